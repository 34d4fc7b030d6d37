"""Splitting one set of labelled images in two: the same share of every class, decided by names and a seed alone."""

from __future__ import annotations

import numpy as np

from greycard.core.errors import GreycardError
from greycard.core.randomness import SPLIT, generator
from greycard.core.values import plain

DEFAULT_FRACTION = 0.2
"""Share of each class for validation where none is asked for."""


def stratified_split(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows for training and for validation, each sorted.

    Every class gives `fraction` of its images, rounded, to validation: at least one, and it keeps at least one.

    Args:
        labels: int (n,) class indices; every class has at least two images.
        fraction: share for validation, between 0 and 1.
        seed: the same labels and seed give the same split.

    Raises:
        GreycardError: a fraction or seed that is none.
    """
    fraction, seed = plain(fraction), plain(seed)
    expect_fraction(fraction, seed)
    validation = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        count = min(max(round(len(rows) * fraction), 1), len(rows) - 1)
        validation[generator(SPLIT, seed, int(label)).permutation(rows)[:count]] = True
    return np.flatnonzero(~validation), np.flatnonzero(validation)


def expect_fraction(fraction: float, seed: int) -> None:
    """GreycardError for a fraction or seed that is none."""
    if not (isinstance(fraction, float) and 0 < fraction < 1):
        raise GreycardError(
            f"val_fraction must be a fraction between 0 and 1. Received: {fraction!r}", hint="for example 0.2, a fifth"
        )
    if not (isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0):
        raise GreycardError(f"split_seed must be a whole number from 0 on. Received: {seed!r}", hint="for example 0")
