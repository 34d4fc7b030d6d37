"""Set images aside for the reported figure, before anything is trained; no choice sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from greycard.audit.duplicates import FEW_ALIGNED, find_pairs
from greycard.audit.group_split import duplicate_levels, split_by_levels
from greycard.audit.thumbnails import load_thumbnails
from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Dataset, LeftOut, Split, SplitMethod
from greycard.datasets.label_sets import class_counts
from greycard.datasets.selection import joined
from greycard.datasets.strata import strata

SHARE = 0.2
"""The share that is set aside, and the share of the rest for choosing."""

MOST = 5_000
"""More images are never set aside: with these, the interval of 95 % accuracy is already ±0.6 points."""

LEAST_OF_CLASS = 3
"""A class with fewer images gives none: it needs one to train and one to choose."""

LEAST_OF_NUMBERS = 20
"""Numbers are not searched with fewer images."""


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
    stay on one side. Of several labels per image, the rarest counts as its class.

    Args:
        dataset: of images with classes, labels or numbers.
        seed: the same images and seed give the same parts.
        on_image: called after each file that is compared with the others.

    Raises:
        GreycardError: a class has fewer than two readable images to train and choose on.
    """
    own = dataset.split.val_fraction is None
    if own and dataset.test:
        return Parts(dataset, "test", grouped=False)
    pool = dataset.train if own else joined(dataset.train, dataset.validation)
    pool, levels, unreadable = compared(replace(dataset, train=pool, validation=pool.take([]), test=None), on_image)
    among = strata(pool.labels)
    _expect_two_of_each(dataset, pool, unreadable)
    test, source = dataset.validation if own else dataset.test, "validation" if own else "test"
    rest = np.arange(len(pool))
    if test is None:
        aside = _deal(among, levels, rest, LEAST_OF_CLASS, seed)
        test, source, rest = pool.take(np.flatnonzero(aside)), "split", np.flatnonzero(~aside)
    chosen = _deal(among, levels, rest, 2, seed)
    train, validation = rest[~chosen[rest]], rest[chosen[rest]]
    parts = replace(
        dataset,
        train=pool.take(train),
        validation=pool.take(validation),
        test=test,
        split=SplitMethod(),
        left_out=dataset.left_out + unreadable,
    )
    return Parts(parts, source, grouped=len(levels) > 1)


def _deal(among: np.ndarray, levels: np.ndarray, rows: np.ndarray, least: int, seed: int) -> np.ndarray:
    """A share of these rows, bool (n,) of the pool; strata with fewer than `least` images give none."""
    counts = np.bincount(among[rows], minlength=int(among.max()) + 1)
    rows = rows[counts[among[rows]] >= least]
    taken = np.zeros(len(among), dtype=bool)
    if not len(rows):
        return taken
    labels = np.unique(among[rows], return_inverse=True)[1]
    taken[rows] = split_by_levels(labels, levels[:, rows], min(SHARE, MOST / len(rows)), seed)
    for label in np.unique(among[rows]):
        own = rows[among[rows] == label]
        short = least - 1 - int(np.sum(~taken[own]))
        taken[own[taken[own]][: max(short, 0)]] = False
    return taken


def compared(
    pool: Dataset, on_image: Callable[[], None] = lambda: None
) -> tuple[Split, np.ndarray, tuple[LeftOut, ...]]:
    """The readable training images, their groups of duplicates, and the files that cannot be read.

    Args:
        pool: its training images are compared.
        on_image: called after each decoded file.

    Returns:
        The images; int (levels, n), the number of each image's group, from coarse to fine levels (arrays have only one
        level, on which each image is alone); the unreadable files.
    """
    split = pool.train
    if isinstance(split.images, np.ndarray):
        return split, np.arange(len(split))[None], ()
    thumbnails = load_thumbnails(pool, on_image)
    pairs = find_pairs(thumbnails, pool, most_aligned=FEW_ALIGNED)
    row_of = {id: row for row, id in enumerate(split.ids)}
    rows = [row_of[id] for id in thumbnails.ids]
    return split.take(rows), duplicate_levels(thumbnails.ids, pairs), thumbnails.left_out


def _expect_two_of_each(dataset: Dataset, pool: Split, unreadable: Sequence[LeftOut]) -> None:
    if not dataset.classes:
        _expect_enough(dataset, pool)
        return
    counts = class_counts(pool.labels, len(dataset.classes))
    few = int(counts.argmin())
    if counts[few] < 2:
        files = f"; {len(unreadable):,} files cannot be read, such as {unreadable[0].id}" if unreadable else ""
        kind = "label" if dataset.has_several_labels else "class"
        images = f"{counts[few]} readable training image{'' if counts[few] == 1 else 's'}"
        raise GreycardError(
            f"{kind} {dataset.classes[few]!r} has {images}; a search needs at least 2, one to train and one to choose"
            f"{files}",
            hint=f"add images to the {kind}, or remove it",
        )


def _expect_enough(dataset: Dataset, pool: Split) -> None:
    """Numbers have no classes: a few images of each part are needed."""
    if len(pool) < LEAST_OF_NUMBERS:
        raise GreycardError(
            f"{dataset.name} has {len(pool)} readable training images; a search needs at least {LEAST_OF_NUMBERS}",
            hint="add images",
        )
