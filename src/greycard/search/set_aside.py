"""Set images aside for the reported figure, before anything is trained; no choice sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from greycard.audit.duplicates import NEAR, find_pairs
from greycard.audit.group_split import group_numbers, split_by_levels
from greycard.audit.thumbnails import load_thumbnails
from greycard.datasets.dataset import Dataset, Split, SplitMethod
from greycard.datasets.selection import joined

SHARE = 0.2
"""The share that is set aside, and the share of the rest for choosing."""

MOST = 5_000
"""More images are never set aside: with these, the interval of 95 % accuracy is already ±0.6 points."""

LEAST_OF_CLASS = 3
"""A class with fewer images gives none: it needs one to train and one to choose."""

_MOST_ALIGNED = 1_000


@dataclass(frozen=True)
class Parts:
    """A dataset in three parts, and how its test images were found.

    Attributes:
        dataset: to train, to choose (`validation`), and set aside (`test`).
        source: `test`, `validation` or `split`.
        grouped: whether duplicates were kept on one side of the splits.
    """

    dataset: Dataset
    source: str
    grouped: bool


def in_three_parts(dataset: Dataset, seed: int, on_image: Callable[[], None] = lambda: None) -> Parts:
    """The images to train on, to choose on, and to measure on.

    Images that the data itself keeps apart are set aside: its test images, else its validation images. From other
    data a fifth of each class is set aside, at most 5,000 images, and a fifth of the rest is for choosing. Duplicates
    stay on one side.

    Args:
        dataset: of images with classes.
        seed: the same images and seed give the same parts.
        on_image: called after each file that is compared with the others.
    """
    own = dataset.split.val_fraction is None
    if own and dataset.test:
        return Parts(dataset, "test", grouped=False)
    pool = dataset.train if own else joined(dataset.train, dataset.validation)
    levels = _levels(replace(dataset, train=pool, validation=pool.take([]), test=None), on_image)
    test, source = dataset.validation if own else dataset.test, "validation" if own else "test"
    rest = np.arange(len(pool))
    if test is None:
        aside = _deal(pool, levels, rest, LEAST_OF_CLASS, seed)
        test, source, rest = pool.take(np.flatnonzero(aside)), "split", np.flatnonzero(~aside)
    chosen = _deal(pool, levels, rest, 2, seed)
    train, validation = rest[~chosen[rest]], rest[chosen[rest]]
    parts = replace(dataset, train=pool.take(train), validation=pool.take(validation), test=test, split=SplitMethod())
    return Parts(parts, source, grouped=len(levels) > 1)


def _deal(pool: Split, levels: np.ndarray, rows: np.ndarray, least: int, seed: int) -> np.ndarray:
    """A share of these rows, bool (n,) of the pool; classes with fewer than `least` images give none."""
    counts = np.bincount(pool.labels[rows], minlength=int(pool.labels.max()) + 1)
    rows = rows[counts[pool.labels[rows]] >= least]
    taken = np.zeros(len(pool), dtype=bool)
    if not len(rows):
        return taken
    labels = np.unique(pool.labels[rows], return_inverse=True)[1]
    taken[rows] = split_by_levels(labels, levels[:, rows], min(SHARE, MOST / len(rows)), seed)
    for label in np.unique(pool.labels[rows]):
        own = rows[pool.labels[rows] == label]
        short = least - 1 - int(np.sum(~taken[own]))
        taken[own[taken[own]][: max(short, 0)]] = False
    return taken


def _levels(pool: Dataset, on_image: Callable[[], None]) -> np.ndarray:
    """Groups of duplicates, from coarse to fine, int (levels, n) for the pool's training images; arrays have none."""
    split = pool.train
    alone = np.arange(len(split))
    if isinstance(split.images, np.ndarray):
        return alone[None]
    thumbnails = load_thumbnails(pool, on_image)
    pairs = find_pairs(thumbnails, pool, most_aligned=_MOST_ALIGNED)
    exact = [pair for pair in pairs if pair.how != NEAR]
    row_of = {id: row for row, id in enumerate(split.ids)}
    rows = np.array([row_of[id] for id in thumbnails.ids], dtype=np.int64)
    levels = [alone + len(split)] * 3  # an unreadable file is alone
    for place, some in enumerate((pairs, exact, [])):
        groups = levels[place].copy()
        groups[rows] = group_numbers(thumbnails.ids, some, None)
        levels[place] = groups
    return np.stack(levels)
