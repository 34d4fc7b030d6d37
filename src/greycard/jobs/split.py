"""Make a new split of a folder: a manifest or a folder of links; the images stay where they are."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from greycard.audit.content import near_empty
from greycard.audit.duplicates import Pair, find_pairs, grouped
from greycard.audit.group_split import group_numbers, group_split
from greycard.audit.thumbnails import Thumbnails, load_thumbnails
from greycard.core.errors import GreycardError, command
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset, LeftOut
from greycard.datasets.label_sets import class_counts
from greycard.datasets.manifest import Line, expect_new, write_csv
from greycard.datasets.splits import expect_fraction
from greycard.datasets.strata import strata
from greycard.datasets.unpacked import unpacked_root

_NO_PATH = re.compile(r"[^/\\\0]+")
_LONGEST = 200
"""Characters of a link's name; file systems take 255 bytes."""


@dataclass(frozen=True)
class NewSplit:
    """A new split of a dataset.

    Attributes:
        lines: the images of the split, each with its side.
        set_aside: images that were left out, and why.
        together: number of images that were kept on the same side as another one.
    """

    lines: tuple[Line, ...]
    set_aside: tuple[LeftOut, ...]
    together: int

    def __repr__(self) -> str:
        train, val = (sum(line.split == side for line in self.lines) for side in ("train", "validation"))
        counts = f"{train:,} training and {val:,} validation images"
        return f"NewSplit({counts}, {len(self.set_aside):,} left out)"


def split_dataset(
    dataset: Dataset,
    *,
    val_fraction: float,
    seed: int,
    group_by: str | None,
    quarantine: bool,
    reporter: Reporter,
) -> NewSplit:
    """Mix training and validation images and split them again; test images stay test images.

    Args:
        dataset: a dataset of image files.
        val_fraction: fraction of each class for validation.
        seed: seed of the split.
        group_by: see `group_numbers`.
        quarantine: True to leave out nearly empty images, and equal images with different labels.
        reporter: shows progress.

    Raises:
        GreycardError: the dataset has no image files, or the groups cannot be split.
    """
    expect_fraction(val_fraction, seed)
    kept = _test_lines(dataset)
    dataset = replace(dataset, test=None)
    path_of = _paths(dataset)
    count = reporter.progress("checking images", len(dataset.train) + len(dataset.validation))
    with reporter.status("comparing images"):
        thumbnails = load_thumbnails(dataset, lambda: count(1))
        pairs = find_pairs(thumbnails, dataset)
    aside = _unfit(thumbnails, pairs) if quarantine else {}
    groups = group_numbers(thumbnails.ids, pairs, group_by)
    rows = np.array([row for row, id in enumerate(thumbnails.ids) if id not in aside], dtype=np.int64)
    _expect_every_class(dataset, thumbnails.labels[rows])
    val = group_split(strata(thumbnails.labels[rows]), groups[rows], val_fraction, seed)
    text = dataset.label_text
    lines = tuple(
        Line(path_of[thumbnails.ids[row]], text(thumbnails.labels[row]), "validation" if in_val else "train")
        for row, in_val in zip(rows, val, strict=True)
    )
    bad = (*dataset.left_out, *thumbnails.left_out, *(LeftOut(id, why) for id, why in aside.items()))
    sizes = np.bincount(groups[rows])
    return NewSplit((*lines, *kept), bad, int(sizes[sizes > 1].sum()))


def _test_lines(dataset: Dataset) -> list[Line]:
    test = dataset.test
    if test is None or not isinstance(test.images, tuple):
        return []
    pairs = zip(test.images, test.labels, strict=True)
    return [Line(path, dataset.label_text(label), "test") for path, label in pairs]


def _paths(dataset: Dataset) -> dict[str, Path]:
    """Every image's file, by its id."""
    found: dict[str, Path] = {}
    for part in (dataset.train, dataset.validation):
        if isinstance(part.images, np.ndarray):
            raise GreycardError(
                f"{dataset.name} is an array with its own split; a new one is made of image files",
                hint="name a folder of images, or a CSV that lists them",
            )
        found |= dict(zip(part.ids, part.images, strict=True))
    if any(path.is_relative_to(unpacked_root()) for path in found.values()):
        raise GreycardError(
            f"the images of {dataset.origin or dataset.name} are not files that a label file could name",
            hint="unpack it and split the folder; `--set val_fraction=…` splits it while training",
        )
    return found


def _unfit(thumbnails: Thumbnails, pairs: Sequence[Pair]) -> dict[str, str]:
    """Images to leave out, and the reason: nearly empty images, and equal images with different labels."""
    empty = near_empty(thumbnails)
    found = {ids[0]: "nearly empty" for ids in (empty.groups if empty else ())}
    for rows in grouped(pairs):
        for row in rows:
            other = next((each for each in rows if thumbnails.differ(each, row)), None)
            if other is not None:
                found.setdefault(
                    thumbnails.ids[row], f"the same image as {thumbnails.ids[other]}, which has another label"
                )
    return found


def _expect_every_class(dataset: Dataset, labels: np.ndarray) -> None:
    if dataset.is_regression:
        return
    counts = class_counts(labels, len(dataset.classes))
    lost = [name for name, count in zip(dataset.classes, counts.tolist(), strict=True) if not count]
    if lost:
        raise GreycardError(
            f"class {lost[0]!r} has no image left: all are unreadable, near-empty, or also have another label",
            hint=f"`{command('check', dataset.origin or dataset.name)}` names them",
        )


def write_links(lines: Sequence[Line], folder: Path, root: Path) -> None:
    """`folder/train/LABEL/…` and `folder/validation/LABEL/…`, symbolic links to the images; all of them or nothing.

    Args:
        lines: the split.
        folder: the folder to create.
        root: the folder of the images; a link's name is the image's path relative to it, with dashes.

    Raises:
        GreycardError: the folder exists.
    """
    expect_new(folder)
    for label in sorted({line.label for line in lines}):
        if label in (".", "..") or not _NO_PATH.fullmatch(label):
            why = f"label {label!r} cannot be the name of a folder of links"
            raise GreycardError(why, hint="write a label file instead: leave out --links")
    with tempfile.TemporaryDirectory(prefix=".greycard-split-", dir=folder.absolute().parent) as scratch:
        draft = Path(scratch, folder.name)
        for line in lines:
            place = draft / line.split / line.label
            place.mkdir(parents=True, exist_ok=True)
            (place / _free_name(place, line.path, root)).symlink_to(line.path.absolute())
        os.replace(draft, folder)


def _free_name(place: Path, path: Path, root: Path) -> str:
    """The path relative to the root, with dashes and shortened at the start; numbered if the name is taken."""
    whole = "-".join(path.absolute().relative_to(root.absolute()).parts)[-_LONGEST:]
    name, number = whole, 1
    while (place / name).is_symlink():
        number += 1
        name = f"{number}-{whole}"
    return name


def write_quarantine(aside: Sequence[LeftOut], file: Path) -> None:
    """Write a CSV of path and reason. No file is moved.

    Raises:
        GreycardError: the file exists.
    """
    write_csv(file, ("path", "reason"), ((item.id, item.reason) for item in aside))
