"""Labels in a table: a CSV of path, label and (as `greycard split` writes it) split, taken in a folder's place."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from greycard.core.atomic_files import atomic_path
from greycard.core.errors import GreycardError
from greycard.core.output_files import expect_folder_of
from greycard.core.paths import as_path
from greycard.datasets.dataset import Dataset
from greycard.datasets.listing import survey_listing
from greycard.datasets.survey import Survey
from greycard.datasets.table_listing import read_listing

COLUMNS = ("path", "label", "split")
TABLE_ENDINGS = (".csv", ".tsv")


@dataclass(frozen=True)
class Line:
    """One image: where it lies, what it shows, which side of the split it is on."""

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
    with atomic_path(file) as draft, draft.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def expect_new(place: Path) -> None:
    """GreycardError where something is there already, or its folder is not."""
    if os.path.lexists(place):  # a link that leads nowhere is somebody's, too
        raise GreycardError(f"{place} is there already; nothing is overwritten", hint="name another one")
    expect_folder_of(place, may_be_missing=False)


def load_manifest(file: str | Path, *, val_fraction: float = 0.2, split_seed: int = 0) -> Dataset:
    """The dataset that a table describes; ids are its paths, with forward slashes.

    Args:
        file: CSV or TSV with a column of paths, one of labels, and perhaps one of the split (train, validation, test).
        val_fraction: share of each class for validation, where the table has no split.
        split_seed: decides that split, together with the order of the lines.

    Raises:
        GreycardError: no such file, no such columns, a missing image, a side without some class.
    """
    return survey_manifest(file, val_fraction=val_fraction, split_seed=split_seed).expect_trainable()


def survey_manifest(file: str | Path, *, val_fraction: float = 0.2, split_seed: int = 0) -> Survey:
    """As `load_manifest`, also where the images cannot be trained on.

    Raises:
        GreycardError: no such file, or no table of paths and labels.
    """
    place = as_path(file, "a label file")
    return survey_listing(read_listing(place), place.stem, place, val_fraction=val_fraction, split_seed=split_seed)
