"""Labels in a table: a CSV of path, label and (if `greycard split` wrote it) split, used instead of a folder."""

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
from greycard.datasets.labelled import survey_labelled
from greycard.datasets.strangers import strangers_beside, with_strangers
from greycard.datasets.survey import Survey
from greycard.datasets.table_listing import read_listing

COLUMNS = ("path", "label", "split")
TABLE_ENDINGS = (".csv", ".tsv")


@dataclass(frozen=True)
class Line:
    """One image: its path, its label, or a list of labels as text, and its split."""

    path: Path
    label: str
    split: str


def write_manifest(lines: Iterable[Line], file: Path, *, several: bool = False) -> None:
    """Write the CSV atomically; paths are relative to its folder.

    Args:
        lines: one for each image.
        file: the new file.
        several: True if the labels are lists; then their column is `labels`.

    Raises:
        GreycardError: the file exists already; nothing is overwritten.
    """
    folder = file.absolute().parent
    rows = ((Path(os.path.relpath(line.path.absolute(), folder)).as_posix(), line.label, line.split) for line in lines)
    write_csv(file, ("path", "labels", "split") if several else COLUMNS, rows)


def write_csv(file: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Open a new CSV, which is written atomically.

    Raises:
        GreycardError: the file exists already; nothing is overwritten.
    """
    expect_new(file)
    with atomic_path(file) as draft, draft.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def expect_new(place: Path) -> None:
    """Raise GreycardError if the file exists already, or its folder does not exist."""
    if os.path.lexists(place):  # a broken link must not be overwritten either
        raise GreycardError(f"{place} exists already; nothing is overwritten", hint="choose another name")
    expect_folder_of(place, may_be_missing=False)


def load_manifest(
    file: str | Path, *, val_fraction: float = 0.2, split_seed: int = 0, task: str | None = None
) -> Dataset:
    """The dataset of a table; ids are its paths, with forward slashes.

    Args:
        file: CSV or TSV with a column of paths, one of labels, and optionally one of splits (train, validation, test).
        val_fraction: share of each class for validation, if the table has no split.
        split_seed: random seed of that split; the order of the lines matters, too.
        task: `regression` to read the labels as numbers, another task to read them as classes; None decides by the
            labels.

    Raises:
        GreycardError: no such file, no such columns, a missing image, a split that lacks a class.
    """
    return survey_manifest(file, val_fraction=val_fraction, split_seed=split_seed, task=task).expect_trainable()


def survey_manifest(
    file: str | Path, *, val_fraction: float = 0.2, split_seed: int = 0, task: str | None = None
) -> Survey:
    """Like `load_manifest`, but reports problems instead of raising them.

    Raises:
        GreycardError: no such file, or not a table of paths and labels.
    """
    place = as_path(file, "a label file")
    found = survey_labelled(
        read_listing(place), place.stem, place, val_fraction=val_fraction, split_seed=split_seed, task=task
    )
    return with_strangers(found, strangers_beside(found, place), place.absolute().parent)
