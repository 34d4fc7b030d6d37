"""The strata of a split: the classes, or bins of numbers of similar size."""

from __future__ import annotations

import numpy as np

MOST_BINS = 10
"""Numbers are split in at most so many bins."""

_LEAST_OF_BIN = 5
"""A bin has at least so many images, so that both sides of a split get some of it."""


def strata(labels: np.ndarray) -> np.ndarray:
    """The stratum of each image, int (n,): its class; for numbers, its quantile bin, counted from the smallest number.

    Args:
        labels: int (n,), or float (n,) for a regression.
    """
    if labels.dtype.kind != "f":
        return labels
    count = len(labels)
    bins = min(MOST_BINS, max(1, count // _LEAST_OF_BIN))
    found = np.empty(count, dtype=np.int64)
    found[np.argsort(labels, kind="stable")] = np.arange(count) * bins // max(count, 1)
    return found
