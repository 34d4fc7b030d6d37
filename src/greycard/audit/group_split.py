"""Stratified, grouped splits: the same fraction of every class, and no group of images on both sides."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from greycard.audit.connected import connected_rows
from greycard.audit.duplicates import NEAR, Pair
from greycard.core.errors import GreycardError
from greycard.core.randomness import SPLIT, generator
from greycard.datasets.splits import expect_fraction
from greycard.datasets.strata import strata


def group_split(labels: np.ndarray, groups: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Choose the validation images, bool (n,).

    Complete groups are assigned in random order, each to the side that needs more images of the group's classes. If
    every group has one image, this is a stratified split. (scikit-learn's StratifiedGroupKFold supports only fractions
    1/k.)

    Args:
        labels: int (n,), or uint8 (n, classes), then the rarest label of an image counts.
        groups: int (n,); images with equal numbers stay together.
        fraction: the fraction of each class for validation, between 0 and 1.
        seed: seed of the order of groups.

    Raises:
        GreycardError: `fraction` is not in (0, 1), or there are too few images or groups for all classes on both sides.
    """
    expect_fraction(fraction, seed)
    labels = strata(labels)
    validation = _deal(labels, groups, (1 - fraction, fraction), seed) == 1
    _expect_both_sides(labels, validation)
    return validation


def group_folds(labels: np.ndarray, levels: Sequence[np.ndarray], folds: int, seed: int) -> np.ndarray:
    """The fold of each image, int (n,), 0 to `folds` - 1: the same number of every class, and groups stay together.

    Args:
        labels: int (n,), or uint8 (n, classes), then the rarest label of an image counts.
        levels: groups int (n,) that are finer from level to level; in the last one each image is alone. The next level
            is used if a class would get less than half of its share in a fold.
        folds: number of folds.
        seed: seed of the order of groups.
    """
    labels = strata(labels)
    counts = np.bincount(labels)
    for groups in levels:
        fold = _deal(labels, groups, [1 / folds] * folds, seed)
        each = np.stack([np.bincount(labels[fold == number], minlength=len(counts)) for number in range(folds)])
        if (each >= counts / folds / 2).all():
            break
    return fold


def _deal(labels: np.ndarray, groups: np.ndarray, shares: Sequence[float], seed: int) -> np.ndarray:
    """The side of each image, int (n,); `shares` has the fraction of each side."""
    members: dict[int, list[int]] = defaultdict(list)
    for row, group in enumerate(groups.tolist()):
        members[group].append(row)
    names, counts = list(members), np.bincount(labels)
    wanted = np.maximum(np.stack([counts * share for share in shares]), 1e-9)
    dealt, sides = np.zeros_like(wanted), np.zeros(len(labels), dtype=np.int64)
    for place in generator(SPLIT, seed).permutation(len(names)):
        rows = members[names[place]]
        more = np.bincount(labels[rows], minlength=len(counts))
        side = int(np.argmax(((wanted - dealt) / wanted) @ more))
        dealt[side] += more
        sides[rows] = side
    return sides


def split_by_levels(labels: np.ndarray, levels: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Like `group_split`, but it splits up a group if a class would get too few images on a side: with drawn icons, all
    images of a class can look alike.

    Args:
        labels: int (n,), or uint8 (n, classes), then the rarest label of an image counts.
        levels: int (levels, n), groups that are finer from level to level; in the last one each image is alone.
        fraction: the fraction of each class for validation, between 0 and 1.
        seed: as for `group_split`.

    Returns:
        The validation images, bool (n,): every class has at least half of its share on both sides.
    """
    expect_fraction(fraction, seed)
    labels = strata(labels)
    rows, level = np.arange(len(labels)), np.zeros(len(labels), dtype=np.int64)
    while True:
        numbers = np.stack([level, levels[level, rows]], axis=1)
        groups = np.unique(numbers, axis=0, return_inverse=True)[1].reshape(-1)
        val = _deal(labels, groups, (1 - fraction, fraction), seed) == 1
        short = np.isin(labels, _short_classes(labels, val, fraction)) & (level < len(levels) - 1)
        sizes = np.where(short, np.bincount(groups)[groups], 0)
        if sizes.max() < 2:
            return val
        level[groups == groups[sizes.argmax()]] += 1


def _short_classes(labels: np.ndarray, val: np.ndarray, fraction: float) -> np.ndarray:
    """Classes with less than half of their planned images on a side."""
    counts, held = np.bincount(labels), np.bincount(labels[val], minlength=labels.max() + 1)
    return np.flatnonzero((held < counts * fraction / 2) | (counts - held < counts * (1 - fraction) / 2))


def _expect_both_sides(labels: np.ndarray, validation: np.ndarray) -> None:
    everything = set(labels.tolist())
    for side, chosen in (("validation", validation), ("training", ~validation)):
        if set(labels[chosen].tolist()) != everything:
            raise GreycardError(
                f"{side} would have no images of a class: there are too few images or groups",
                hint="add images, or use smaller groups (--group-by) or another fraction (--val-fraction)",
            )


def duplicate_levels(ids: Sequence[str], pairs: Sequence[Pair]) -> np.ndarray:
    """The levels for `split_by_levels` and `group_folds`, int (3, n): all duplicates, equal images, each image alone.

    Args:
        ids: the images' ids.
        pairs: duplicates, as rows of `ids`.
    """
    exact = [pair for pair in pairs if pair.how != NEAR]
    return np.stack([group_numbers(ids, some, None) for some in (pairs, exact, ())])


def group_numbers(ids: Sequence[str], pairs: Iterable[Pair], pattern: str | None) -> np.ndarray:
    """A group number for each image, int (n,): duplicates, and images with the same match in their names, share one.

    Args:
        ids: the images' ids.
        pairs: duplicates, as rows of `ids`.
        pattern: a regular expression to search in each id. The text that its groups (or all of it) match is the group's
            name. An image without a match is in a separate group.

    Raises:
        GreycardError: the pattern is not a regular expression, or matches no id.
    """
    return connected_rows(len(ids), [*((pair.first, pair.second) for pair in pairs), *_alike(ids, pattern)])


def _alike(ids: Sequence[str], pattern: str | None) -> list[tuple[int, int]]:
    """Pair each image with the first one in its name's group."""
    if pattern is None:
        return []
    name_of, pairs = _name_by(pattern), []
    first: dict[str, int] = {}
    for row, id in enumerate(ids):
        name = name_of(id)
        if name is not None:
            pairs.append((first.setdefault(name, row), row))
    if not first:
        raise GreycardError(
            f"--group-by {pattern!r} matches no image name, such as {ids[0]}",
            hint="use a regular expression, for example --group-by '^[a-z]+[0-9]+' for the start of the names",
        )
    return pairs


def _name_by(pattern: str) -> Callable[[str], str | None]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise GreycardError(
            f"--group-by must be a regular expression. Received: {pattern!r} ({error})",
            hint=r"for example --group-by '([a-z]+\d+)-' for names like human11-24.jpg",
        ) from error

    def name(id: str) -> str | None:
        found = compiled.search(id)
        return None if found is None else "\0".join(map(str, found.groups())) or found.group()

    return name
