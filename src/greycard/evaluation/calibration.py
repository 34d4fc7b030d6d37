"""Whether probabilities mean what they say: reliability, expected calibration error, temperature scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from greycard.core.records import Limits
from greycard.tasks.single_label import likeliest

BINS = 15
_SMALLEST = 1e-12
_COLDEST, _HOTTEST = 0.05, 20.0


@dataclass(frozen=True)
class Bin:
    """The images whose likeliest class got a probability above `low` up to `high`.

    Attributes:
        low: of the bin.
        high: of the bin.
        images: in it.
        confidence: their mean probability of the likeliest class.
        accuracy: the share of them that is right.
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """How far a model's probabilities can be trusted.

    Attributes:
        error: the expected calibration error, a fraction.
        temperature: the best one to divide the logits by.
        error_after_scaling: what is left of the error at such a temperature, on images it was not fitted on.
    """

    error: Annotated[float, Limits(0)]
    temperature: Annotated[float, Limits(_COLDEST / 2, 2 * _HOTTEST)]  # bounds that rounding does not cross
    error_after_scaling: Annotated[float, Limits(0)]

    @property
    def scaling_helps(self) -> bool:
        """Whether dividing by the temperature makes the error smaller."""
        return self.error_after_scaling < self.error


def calibration_of(labels: np.ndarray, probabilities: np.ndarray) -> Calibration:
    """The calibration of a model by its probabilities of validation images.

    Args:
        labels: int (n,).
        probabilities: float (n, classes), rows sum to 1.
    """
    return Calibration(
        error=expected_calibration_error(reliability(labels, probabilities)),
        temperature=fit_temperature(labels, probabilities),
        error_after_scaling=error_after_scaling(labels, probabilities),
    )


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> list[Bin]:
    """The reliability curve: bins of equal width that hold an image.

    Args:
        labels: int (n,).
        probabilities: float (n, classes), rows sum to 1.
        bins: of confidence between 0 and 1.
    """
    confidence, right = probabilities.max(axis=1), likeliest(probabilities) == labels
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    found = []
    for number in np.unique(place):
        inside = place == number
        means = float(confidence[inside].mean()), float(right[inside].mean())
        found.append(Bin(float(number / bins), float((number + 1) / bins), int(inside.sum()), *means))
    return found


def expected_calibration_error(curve: list[Bin]) -> float:
    """The mean distance between confidence and accuracy, every bin with the weight of its images.

    Source: Guo et al., "On calibration of modern neural networks" (2017).
    """
    images = sum(each.images for each in curve)
    return sum(each.images * abs(each.confidence - each.accuracy) for each in curve) / images


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature that makes these labels likeliest; above 1 where the model is too sure of itself.

    Bounded between 0.05 and 20: on images that are all right the likeliest temperature would be 0.
    """
    from scipy.optimize import minimize_scalar

    logits = np.log(np.clip(probabilities.astype(np.float64), _SMALLEST, 1))
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = _softmax(logits / np.exp(log_temperature))
        return float(-np.mean(np.log(np.clip(scaled[rows, labels], _SMALLEST, 1))))

    bounds = (float(np.log(_COLDEST)), float(np.log(_HOTTEST)))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The probabilities (n, classes) with their logits divided by the temperature; the likeliest class stays."""
    return _softmax(np.log(np.clip(probabilities.astype(np.float64), _SMALLEST, 1)) / temperature)


def error_after_scaling(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The expected calibration error that temperature scaling leaves on images it was not result on.

    Every second image is scaled by the temperature of the others.
    """
    if len(labels) < 2:
        return expected_calibration_error(reliability(labels, probabilities))
    even = np.arange(len(labels)) % 2 == 0
    scaled = probabilities.astype(np.float64)
    for part in (even, ~even):
        scaled[part] = at_temperature(scaled[part], fit_temperature(labels[~part], probabilities[~part]))
    return expected_calibration_error(reliability(labels, scaled))


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
