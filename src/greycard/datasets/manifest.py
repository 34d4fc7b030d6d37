"""Labels in a table: a CSV of path, label and (as `greycard split` writes it) split, taken in a folder's place."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from greycard.core.atomic_files import atomic_path
from greycard.core.errors import GreycardError
from greycard.core.output_files import expect_folder_of
from greycard.core.paths import as_path
from greycard.datasets.dataset import Dataset, SplitMethod
from greycard.datasets.listing import Listing, read_listing
from greycard.datasets.parts import some
from greycard.datasets.scan import needed_extra, spread
from greycard.datasets.splits import stratified_split
from greycard.datasets.survey import Survey

COLUMNS = ("path", "label", "split")
_ENDINGS = (".csv", ".tsv")


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


def is_table(name: str | Path) -> bool:
    """Whether a name is that of a table, and not of a folder."""
    return Path(name).suffix.lower() in _ENDINGS and not Path(name).expanduser().is_dir()


def load_manifest(file: str | Path, *, val_fraction: float = 0.2, split_seed: int = 0) -> Dataset:
    """The dataset that a table describes; ids are its paths, with forward slashes.

    Args:
        file: CSV or TSV with a column of paths, one of labels, and perhaps one of the split.
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
    listing = read_listing(place)
    classes = tuple(sorted({image.label for image in listing.images}))
    sides = listing.sides()
    whole, method = listing.split(sides[0], classes), SplitMethod()
    problems = [*listing.problems, *_problems(listing, classes)]
    if len(sides) > 1:
        splits = whole, listing.split(sides[1], classes)
    elif problems:  # there may be nothing to split off
        splits = whole, whole.take([])
    else:
        rows = stratified_split(whole.labels, val_fraction, split_seed)
        splits, method = (whole.take(rows[0]), whole.take(rows[1])), SplitMethod(val_fraction, split_seed)
    sizes = spread([image.size for image in sides[0] if not isinstance(image.size, str)])
    found = Dataset(place.stem, classes, *splits, listing.left_out(), listing.notes, sizes, place, method)
    return Survey(found, tuple(problems))


def _problems(listing: Listing, classes: Sequence[str]) -> list[GreycardError]:
    """Labels that are too few, and sides that lack one."""
    place, sides = listing.place, listing.sides()
    if len(classes) < 2:
        received = f"a single label, {classes[0]!r}" if classes else "no image that is there"
        return [GreycardError(f"{place} has {received}; expected two labels or more", hint="add images of another one")]
    least = 1 if len(sides) > 1 else 2
    found = []
    for name, side in zip(("training", "validation"), sides, strict=False):
        counts = Counter(image.label for image in side if not isinstance(image.size, str))
        lacking = [label for label in classes if counts[label] < least]
        if lacking:
            found.append(_lacking(listing, name if len(sides) > 1 else "", lacking, least))
    return found


def _lacking(listing: Listing, side: str, labels: list[str], least: int) -> GreycardError:
    wanted = "some of every label" if least == 1 else f"{least} or more of every label"
    side = f"{side} " if side else ""
    number = "no readable" if least == 1 else f"fewer than {least} readable"
    bad = next(iter(listing.left_out()), None)
    why = f". {bad.id} could not be read: {bad.reason}" if bad else ""
    return GreycardError(
        f"{listing.place} has {number} {side}images of {some(labels)}; expected {wanted}{why}",
        hint=needed_extra(listing.left_out()) or "add some, or remove the lines of that label",
    )
