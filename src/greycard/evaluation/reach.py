"""Prediction intervals of numbers by split conformal prediction: the prediction plus and minus one reach.

The reach is calibrated on half of the test or validation images, and the share of true numbers inside is measured on
the other half. No choice may see the half that calibrates, because a model is better on images that it was chosen on.
Source: Lei et al., "Distribution-free predictive inference for regression" (2018).
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

VALIDATION, TEST = "validation", "test"
"""The splits that a reach can be calibrated on."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How far the true numbers are from the predictions.

    Attributes:
        share: the promised share of images whose number is inside.
        width: half the width of every interval, in the unit of the labels.
        calibrated_on: number of images that decided the width.
        inside: number of other images of the same split whose number is inside.
        measured_on: number of these other images.
        split: `test` or `validation`.
    """

    share: Fraction
    width: Annotated[float, Limits(0)]
    calibrated_on: Number
    inside: Count
    measured_on: Number
    split: str = VALIDATION

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
    """The least number of images for such a promise: half of them must have enough residuals."""
    return 2 * math.ceil(share / (1 - share) - 1e-9) - 1


def halves(images: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the images that calibrate, at least half of them, and of the others."""
    order = generator(HALVES, 0, images).permutation(images)
    half = -(-images // 2)
    return order[:half], order[half:]


def choice_rows(validation: int, test: int) -> np.ndarray:
    """The rows of the validation images that training may choose an epoch by: those that do not calibrate.

    Args:
        validation: number of validation images.
        test: number of test images; if there are enough of them, they calibrate.
    """
    if test >= least_images() or validation < least_images():
        return np.arange(validation)
    return np.sort(halves(validation)[1])


def reach_of(labels: np.ndarray, predicted: np.ndarray, split: str = VALIDATION, share: float = SHARE) -> Reach | None:
    """Calibrate and measure the intervals; None if there are too few images for the promise.

    Args:
        labels: the true numbers of the images, float (n,).
        predicted: float (n,), finite.
        split: `test` or `validation`: where the images are from.
        share: the share to promise, between 0 and 1.
    """
    residuals = np.abs(predicted.astype(np.float64) - labels)
    calibration, others = (residuals[rows] for rows in halves(len(labels)))
    rank = math.ceil((len(calibration) + 1) * share - 1e-9)
    if rank > len(calibration) or not len(others):
        return None
    width = float(np.sort(calibration)[rank - 1])
    return Reach(
        share=share,
        width=width,
        calibrated_on=len(calibration),
        inside=int(np.sum(others <= width)),
        measured_on=len(others),
        split=split,
    )
