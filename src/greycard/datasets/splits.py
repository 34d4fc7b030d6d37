"""Stratified split into training and validation, determined only by labels and seed."""

from __future__ import annotations

import numpy as np

from greycard.core.errors import GreycardError
from greycard.core.randomness import SPLIT, generator
from greycard.core.values import plain
from greycard.datasets.label_sets import has_several, several_split

DEFAULT_FRACTION = 0.2
"""Default share of each class for validation."""


def stratified_split(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Row indices for training and validation, each sorted.

    Every class gives `fraction` of its images, rounded, to validation: at least one, and it keeps at least one.

    Args:
        labels: int (n,) class indices, every class has at least two images; or uint8 (n, labels) of 0 and 1, which are
            split by iterative stratification.
        fraction: share for validation, between 0 and 1.
        seed: the same labels and seed give the same split.

    Raises:
        GreycardError: `fraction` is not in (0, 1) or `seed` is negative.
    """
    fraction, seed = plain(fraction), plain(seed)
    expect_fraction(fraction, seed)
    validation = np.zeros(len(labels), dtype=bool)
    if has_several(labels):
        validation = several_split(labels, fraction, generator(SPLIT, seed).permutation(len(labels)))
        return np.flatnonzero(~validation), np.flatnonzero(validation)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        count = min(max(round(len(rows) * fraction), 1), len(rows) - 1)
        validation[generator(SPLIT, seed, int(label)).permutation(rows)[:count]] = True
    return np.flatnonzero(~validation), np.flatnonzero(validation)


def expect_fraction(fraction: float, seed: int) -> None:
    """Raise GreycardError if `fraction` is not in (0, 1) or `seed` is negative."""
    if not (isinstance(fraction, float) and 0 < fraction < 1):
        raise GreycardError(
            f"val_fraction must be a fraction between 0 and 1. Received: {fraction!r}", hint="for example 0.2, a fifth"
        )
    if not (isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0):
        raise GreycardError(f"split_seed must be an integer of at least 0. Received: {seed!r}", hint="for example 0")
