"""Balanced sampling: the order of an epoch in which every class occurs equally often."""

from __future__ import annotations

import numpy as np

from greycard.datasets.strata import strata


def balanced_order(labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Rows of the images in random order, int (n,); the classes' numbers of images differ by at most 1.

    An image of a small class occurs several times, and each image of a class as often as the others, or once more.
    Only some images of a large class occur, others in the next epoch.

    Args:
        labels: int (n,), the class of each image; or uint8 (n, classes), then the rarest label of an image counts.
        random: draws the images and their order.
    """
    labels = strata(labels)
    present = random.permutation(np.unique(labels))
    quotas = len(labels) // len(present) + (np.arange(len(present)) < len(labels) % len(present))
    rows = [
        _repeated(np.flatnonzero(labels == each), quota, random) for each, quota in zip(present, quotas, strict=True)
    ]
    return random.permutation(np.concatenate(rows))


def _repeated(rows: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """`count` of the rows: all of them as often as they fit, and a random part for the rest."""
    times, rest = divmod(int(count), len(rows))
    return np.concatenate([np.tile(rows, times), random.permutation(rows)[:rest]])
