"""A split written down: a CSV of path, label and split, which `greycard train` takes in a folder's place."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from greycard.datasets.core import Dataset, LeftOut, Split
from greycard.datasets.pictures import quiet_pillow
from greycard.datasets.readable import readable
from greycard.errors import GreycardError
from greycard.locations import as_path
from greycard.output_files import expect_folder_of
from greycard.whole_files import whole

COLUMNS = ("path", "label", "split")
SPLITS = ("train", "validation")
_MAKE_ONE = "`greycard split FOLDER` writes such a file"


@dataclass(frozen=True)
class Line:
    """One picture: where it lies, what it shows, which side of the split it is on."""

    path: Path
    label: str
    split: str


def write_manifest(lines: Iterable[Line], file: Path) -> None:
    """Write the CSV, whole or not at all; paths are relative to its folder.

    Raises:
        GreycardError: the file is there already; nothing is overwritten.
    """
    folder = file.absolute().parent
    rows = ((Path(os.path.relpath(line.path.absolute(), folder)).as_posix(), line.label, line.split) for line in lines)
    write_csv(file, COLUMNS, rows)


def write_csv(file: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A new CSV, whole or not at all.

    Raises:
        GreycardError: the file is there already; nothing is overwritten.
    """
    expect_new(file)
    with whole(file) as draft, draft.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def expect_new(place: Path) -> None:
    """GreycardError where something is there already, or its folder is not."""
    if os.path.lexists(place):  # a link that leads nowhere is somebody's, too
        raise GreycardError(f"{place} is there already; nothing is overwritten", hint="name another one")
    expect_folder_of(place, may_be_missing=False)


def load_manifest(file: str | Path) -> Dataset:
    """The dataset that a CSV of path, label and split describes; ids are the paths as they are written there.

    Raises:
        GreycardError: no such file, other columns, an unknown split, a missing picture, a side without some class.
    """
    place = as_path(file, "a manifest")
    rows = _read(place)
    classes = tuple(sorted({row["label"] for row in rows}))
    parts = [_part(place, classes, [row for row in rows if row["split"] == name], name) for name in SPLITS]
    if len(classes) < 2:
        raise GreycardError(
            f"{place} has a single label, {classes[0]!r}; expected two or more",
            hint="a classifier tells classes apart: add pictures of another one",
        )
    (train, train_bad, sizes), (validation, validation_bad, _) = parts
    shorts = sorted(min(size) for size in sizes)
    spread = shorts[0], shorts[len(shorts) // 2], shorts[-1]
    left_out = (*train_bad, *validation_bad)
    return Dataset(place.stem, classes, train, validation, left_out=left_out, sizes=spread, origin=place)


def _read(place: Path) -> list[dict[str, str]]:
    try:
        with place.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
            reader = csv.DictReader(stream)
            rows, names = list(reader), reader.fieldnames or []
    except (OSError, csv.Error) as error:
        raise GreycardError(f"{place} cannot be read: {error}", hint=_MAKE_ONE) from error
    if not set(COLUMNS) <= set(names):
        raise GreycardError(
            f"{place} must have the columns {', '.join(COLUMNS)}. Received: {', '.join(names) or 'none'}",
            hint=_MAKE_ONE,
        )
    if not rows:
        raise GreycardError(f"{place} names no picture; expected a line for each", hint=_MAKE_ONE)
    for number, row in enumerate(rows, start=2):
        if row["split"] not in SPLITS or not row["path"] or not row["label"]:
            raise GreycardError(
                f"line {number} of {place} must have a path, a label, and train or validation as its split."
                f" Received: {', '.join(str(row[name]) for name in COLUMNS)}",
                hint="mend that line, or remove it",
            )
    return rows


def _part(
    place: Path, classes: Sequence[str], rows: Sequence[dict[str, str]], name: str
) -> tuple[Split, list[LeftOut], list[tuple[int, int]]]:
    """One side: its split, what could not be read of it, and the sizes of its pictures."""
    paths = [place.absolute().parent / row["path"] for row in rows]
    missing = next((row["path"] for row, path in zip(rows, paths, strict=True) if not path.is_file()), None)
    if missing is not None:
        raise GreycardError(f"{place} names {missing}, which is not there", hint="paths are relative to the manifest")
    with quiet_pillow():
        found = readable(paths)
    good = [position for position, size in enumerate(found) if not isinstance(size, str)]
    lost = sorted(set(classes) - {rows[position]["label"] for position in good})
    if lost:
        raise GreycardError(
            f"{place} has no readable {name} picture of {', '.join(lost)}; expected some of every label",
            hint="`greycard split FOLDER` deals every label to both splits",
        )
    labels = np.array([classes.index(rows[position]["label"]) for position in good], dtype=np.int64)
    split = Split(tuple(rows[p]["path"] for p in good), labels, tuple(paths[p] for p in good))
    bad = [LeftOut(row["path"], why) for row, why in zip(rows, found, strict=True) if isinstance(why, str)]
    return split, bad, [size for size in found if not isinstance(size, str)]
