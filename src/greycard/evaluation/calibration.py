"""Whether probabilities mean what they say: reliability, expected calibration error, temperature scaling."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

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

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def calibration_facts(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """What a run keeps: the expected calibration error, the temperature that mends it, and the error it leaves.

    Args:
        labels: int (n,).
        probabilities: float (n, classes), rows sum to 1.
    """
    return {
        "error": expected_calibration_error(reliability(labels, probabilities)),
        "temperature": fit_temperature(labels, probabilities),
        "error_after_scaling": error_after_scaling(labels, probabilities),
    }


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
