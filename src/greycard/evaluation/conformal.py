"""Prediction sets: the classes, one of which is right with a promised probability.

Source: Sadinle, Lei and Wasserman, "Least ambiguous set-valued classifiers with bounded error levels" (2019), with the
quantile of split conformal prediction: Vovk, Gammerman and Shafer, "Algorithmic learning in a random world" (2005).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from greycard.core.errors import GreycardError
from greycard.evaluation.rejection.promise import percent


def least_probability(labels: np.ndarray, probabilities: np.ndarray, coverage: float) -> float:
    """The smallest probability of a class that belongs to the set.

    Args:
        labels: of images that the model was not fitted to, int (n,).
        probabilities: of all classes, float (n, classes), calibrated as those that the sets are made from.
        coverage: the share of images whose set has the right class, above 0 and below 1.

    Raises:
        GreycardError: no such share, or it cannot be promised with so few images.
    """
    expect_coverage(coverage)
    images = len(labels)
    place = math.ceil((images + 1) * coverage - 1e-9)
    if place > images:
        possible = math.floor(1000 * images / (images + 1)) / 1000
        raise GreycardError(
            f"with {images} validation images, sets that have the right class in {percent(coverage)} of cases cannot be"
            f" promised; {percent(possible)} can",
            hint=f"use --sets {possible:g}",
        )
    true = np.sort(probabilities[np.arange(images), labels].astype(np.float64))[::-1]
    return float(true[place - 1])


def expect_coverage(coverage: float) -> None:
    """Raise GreycardError unless it is a number between 0 and 1."""
    if isinstance(coverage, bool) or not isinstance(coverage, int | float) or not 0 < coverage < 1:
        raise GreycardError(
            f"the share of sets that have the right class must be above 0 and below 1. Received: {coverage!r}",
            hint="use --sets 0.95",
        )


def members(probabilities: Mapping[str, float], label: str, least: float) -> tuple[str, ...]:
    """The classes of the set, the most likely first; the predicted one belongs to every set."""
    ranked = sorted(probabilities, key=lambda name: -probabilities[name])
    return tuple(name for name in ranked if name == label or probabilities[name] >= least)
