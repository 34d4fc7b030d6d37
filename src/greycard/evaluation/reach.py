"""Prediction intervals of numbers by split conformal prediction: the prediction plus and minus one reach.

The reach is calibrated on half of the validation images, and the share of true numbers inside is measured on the other
half. Source: Lei et al., "Distribution-free predictive inference for regression" (2018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from greycard.core.randomness import HALVES, generator
from greycard.core.records import Count, Fraction, Limits, Number
from greycard.evaluation.intervals import wilson

SHARE = 0.9
"""The share of new images whose true number is promised to be inside."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How far the true numbers are from the predictions.

    Attributes:
        share: the promised share of images whose number is inside.
        width: half the width of every interval, in the unit of the labels.
        calibrated_on: number of validation images that decided the width.
        inside: number of the other validation images whose number is inside.
        measured_on: number of these other images.
    """

    share: Fraction
    width: Annotated[float, Limits(0)]
    calibrated_on: Number
    inside: Count
    measured_on: Number

    @property
    def coverage(self) -> float:
        """The measured share of numbers inside."""
        return self.inside / self.measured_on

    @property
    def coverage_interval(self) -> tuple[float, float]:
        """95 % interval of the measured share."""
        return wilson(self.inside, self.measured_on)

    def around(self, value: float) -> tuple[float, float]:
        """The interval of one prediction."""
        return value - self.width, value + self.width


def least_images(share: float = SHARE) -> int:
    """The least number of validation images for such a promise: half of them must have enough residuals."""
    return 2 * math.ceil(share / (1 - share) - 1e-9) - 1


def reach_of(labels: np.ndarray, predicted: np.ndarray, share: float = SHARE) -> Reach | None:
    """Calibrate and measure the intervals; None if there are too few images for the promise.

    Args:
        labels: the true numbers of the validation images, float (n,).
        predicted: float (n,), finite.
        share: the share to promise, between 0 and 1.
    """
    residuals = np.abs(predicted.astype(np.float64) - labels)
    order = generator(HALVES, 0, len(labels)).permutation(len(labels))
    half = -(-len(labels) // 2)
    calibration, others = residuals[order[:half]], residuals[order[half:]]
    rank = math.ceil((half + 1) * share - 1e-9)
    if rank > half or not len(others):
        return None
    width = float(np.sort(calibration)[rank - 1])
    return Reach(
        share=share, width=width, calibrated_on=half, inside=int(np.sum(others <= width)), measured_on=len(others)
    )
