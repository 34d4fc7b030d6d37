"""The threshold of each label, where an image can have several: chosen on validation images, never on those it is
measured on."""

from __future__ import annotations

import numpy as np

from greycard.core.randomness import FOLDS, generator
from greycard.datasets.label_sets import several_split

LEAST = 5
"""With fewer images that have the label, a chosen threshold would be chance; it stays at 0.5."""

_DEFAULT = 0.5


def choose_thresholds(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The threshold with the highest F1 of each label, float64 (classes,).

    It lies halfway between two probabilities, so that rounding does not move an image across it. Of equally good ones
    it is the one nearest to 0.5.

    Args:
        labels: uint8 (n, classes).
        probabilities: float (n, classes).
    """
    return np.array([_best(labels[:, each], probabilities[:, each]) for each in range(labels.shape[1])])


def cross_fitted(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Which labels each image gets by thresholds that were chosen on the other half of the images, uint8 (n, classes).

    The halves have the same shares of the labels. Every image is decided, and none has a part in its own thresholds.

    Args:
        labels: uint8 (n, classes).
        probabilities: float (n, classes).
    """
    half = several_split(labels, 0.5, generator(FOLDS, 0).permutation(len(labels)))
    found = np.zeros_like(labels, dtype=np.uint8)
    for part in (half, ~half):
        found[part] = probabilities[part] >= choose_thresholds(labels[~part], probabilities[~part])
    return found


def _best(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Of one label: uint8 (n,) and float (n,)."""
    positives = int(labels.sum())
    if positives < LEAST or not np.isfinite(probabilities).all():
        return _DEFAULT
    order = np.argsort(-probabilities, kind="stable")
    ranked, hits = probabilities[order].astype(np.float64), np.cumsum(labels[order], dtype=np.int64)
    ends = np.flatnonzero(np.append(ranked[:-1] > ranked[1:], True))  # the last of equal probabilities
    f1 = 2 * hits[ends] / (ends + 1 + positives)
    below = np.append(ranked[1:], 0.0)[ends]
    middles = (ranked[ends] + below) / 2
    good = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return float(middles[min(good.tolist(), key=lambda each: abs(middles[each] - _DEFAULT))])
