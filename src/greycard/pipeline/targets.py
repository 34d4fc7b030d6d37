"""Soft targets: a weight for each class instead of one class number, as label smoothing and class weights need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from greycard.datasets.label_sets import has_several
from greycard.pipeline.mixing import Mixing


@dataclass(frozen=True)
class SoftTargets:
    """How the loader makes targets float32 (b, classes) from labels.

    Attributes:
        table: float32 (classes, classes); row c is the target of an image of class c. See `target_table`.
        mixing: mixes the images and targets of a batch; None for unmixed images.
        smoothing: of several labels per image: the fraction of each target that is half of 1.
    """

    table: np.ndarray
    mixing: Mixing | None = None
    smoothing: float = 0.0

    def of(self, labels: np.ndarray) -> np.ndarray:
        """The targets of labels int (b,), or uint8 (b, classes) if an image can have several."""
        if has_several(labels):
            return ((1 - self.smoothing) * labels + self.smoothing / 2).astype(np.float32)
        return np.asarray(self.table[labels])


def target_table(weights: np.ndarray, smoothing: float) -> np.ndarray:
    """The target of each class: one-hot, smoothed, times the weight of the image's class; float32 (classes, classes).

    The weight belongs to the image: row c sums to weight c. If each entry had its own class's weight, smoothing would
    give a rare class with a large weight a large part of every other target.

    Args:
        weights: float (classes,), the weight of each class; 1 for no weights.
        smoothing: fraction of each target that is spread evenly over all classes.
    """
    classes = len(weights)
    smoothed = (1 - smoothing) * np.eye(classes) + smoothing / classes
    return np.asarray(smoothed * weights[:, None], np.float32)


def class_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """The weights n / (k n_c), float64 (classes,): every class counts the same, and the mean over the images is 1.

    Args:
        labels: int (n,), the classes of the training images.
        classes: number of classes; k is the number of those that have images, the others get the weight 1.
    """
    counts = np.bincount(labels, minlength=classes)
    present = counts > 0
    return np.where(present, len(labels) / (present.sum() * np.maximum(counts, 1)), 1.0)
