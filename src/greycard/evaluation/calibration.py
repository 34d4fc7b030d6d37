"""Calibration: reliability curve, expected calibration error, temperature scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from greycard.core.records import Limits
from greycard.datasets.label_sets import has_several
from greycard.tasks.single_label import SMALLEST, likeliest, scaled_softmax

BINS = 15
_COLDEST, _HOTTEST = 0.05, 20.0


@dataclass(frozen=True)
class Bin:
    """A bin of images with a top probability above `low` and at most `high`.

    Attributes:
        low: lower bound of the bin.
        high: upper bound of the bin.
        images: number of images in the bin.
        confidence: mean top probability.
        accuracy: fraction that is predicted correctly.
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """The calibration of a model's probabilities.

    Attributes:
        error: the expected calibration error, a fraction.
        temperature: the best divisor of the logits.
        error_after_scaling: the error after scaling with such a temperature, on images it was not fitted to.
    """

    error: Annotated[float, Limits(0)]
    temperature: Annotated[float, Limits(_COLDEST / 2, 2 * _HOTTEST)]  # bounds wide enough for rounding
    error_after_scaling: Annotated[float, Limits(0)]

    @property
    def scaling_helps(self) -> bool:
        """Whether temperature scaling reduces the error."""
        return self.error_after_scaling < self.error


def calibration_of(labels: np.ndarray, probabilities: np.ndarray) -> Calibration:
    """Measure calibration from the probabilities of validation images.

    With several labels per image, each label of each image is a case with two outcomes, and all labels share one
    temperature.

    Args:
        labels: int (n,), or uint8 (n, labels) of 0 and 1.
        probabilities: float (n, classes); rows sum to 1, unless an image can have several labels.
    """
    return Calibration(
        error=expected_calibration_error(reliability(labels, probabilities)),
        temperature=fit_temperature(labels, probabilities),
        error_after_scaling=error_after_scaling(labels, probabilities),
    )


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> list[Bin]:
    """The reliability curve: bins of equal width, without empty ones.

    Args:
        labels: int (n,), or uint8 (n, labels) of 0 and 1.
        probabilities: float (n, classes); rows sum to 1, unless an image can have several labels.
        bins: number of confidence bins between 0 and 1.
    """
    labels, probabilities = _cases(labels, probabilities)
    confidence, right = probabilities.max(axis=1), likeliest(probabilities) == labels
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    found = []
    for number in np.unique(place):
        inside = place == number
        means = float(confidence[inside].mean()), float(right[inside].mean())
        found.append(Bin(float(number / bins), float((number + 1) / bins), int(inside.sum()), *means))
    return found


def expected_calibration_error(curve: list[Bin]) -> float:
    """The mean difference between confidence and accuracy, weighted by the images in each bin.

    Source: Guo et al., "On calibration of modern neural networks" (2017).
    """
    images = sum(each.images for each in curve)
    return sum(each.images * abs(each.confidence - each.accuracy) for each in curve) / images


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The maximum-likelihood temperature for these labels; above 1 if the model is overconfident.

    Bounded between 0.05 and 20: if all images are predicted correctly, the best temperature would be 0.
    """
    from scipy.optimize import minimize_scalar

    labels, probabilities = _cases(labels, probabilities)
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = scaled_softmax(probabilities, float(np.exp(log_temperature)))
        return float(-np.mean(np.log(np.clip(scaled[rows, labels], SMALLEST, 1))))

    bounds = (float(np.log(_COLDEST)), float(np.log(_HOTTEST)))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The probabilities (n, classes) with their logits divided by the temperature; the top class does not change."""
    return scaled_softmax(probabilities, temperature)


def error_after_scaling(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The expected calibration error after temperature scaling, on images that it was not fitted to.

    Every second image is scaled by the temperature of the others.
    """
    if len(labels) < 2:
        return expected_calibration_error(reliability(labels, probabilities))
    each = labels.shape[1] if has_several(labels) else 1
    even = np.arange(each * len(labels)) // each % 2 == 0  # all labels of an image are in one half
    labels, probabilities = _cases(labels, probabilities)
    scaled = probabilities.astype(np.float64)
    for part in (even, ~even):
        scaled[part] = at_temperature(scaled[part], fit_temperature(labels[~part], probabilities[~part]))
    return expected_calibration_error(reliability(labels, scaled))


def _cases(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Several labels as cases of two classes: int (n × labels,) and float (n × labels, 2); others unchanged.

    The softmax over log(1 - p) and log(p) at a temperature is the sigmoid of the logit at this temperature.
    """
    if not has_several(labels):
        return labels, probabilities
    second = probabilities.ravel().astype(np.float64)
    return labels.ravel().astype(np.int64), np.stack([1 - second, second], axis=1)
