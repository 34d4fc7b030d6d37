"""The strata of a split: the classes, the rarest label of each image, or bins of numbers of similar size."""

from __future__ import annotations

import numpy as np

from greycard.datasets.label_sets import class_counts, has_several

MOST_BINS = 10
"""Numbers are split in at most so many bins."""

_LEAST_OF_BIN = 5
"""A bin has at least so many images, so that both sides of a split get some of it."""


def strata(labels: np.ndarray) -> np.ndarray:
    """The stratum of each image, int (n,): its class; for numbers, its quantile bin, counted from the smallest number.

    With several labels it is the rarest label of the image, because the rare ones are the hardest to spread evenly; an
    image without a label gets the number of labels.

    Args:
        labels: int (n,), uint8 (n, labels) of 0 and 1, or float (n,) for a regression.
    """
    if has_several(labels):
        return _rarest(labels)
    if labels.dtype.kind != "f":
        return labels
    count = len(labels)
    bins = min(MOST_BINS, max(1, count // _LEAST_OF_BIN))
    found = np.empty(count, dtype=np.int64)
    found[np.argsort(labels, kind="stable")] = np.arange(count) * bins // max(count, 1)
    return found


def _rarest(labels: np.ndarray) -> np.ndarray:
    number = labels.shape[1]
    found = np.full(len(labels), number, dtype=np.int64)
    for label in np.argsort(-class_counts(labels, number), kind="stable"):  # rarer labels overwrite common ones
        found[labels[:, label] > 0] = label
    return found
