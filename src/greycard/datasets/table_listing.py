"""The images of a table: their files, their splits, and problems."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.datasets.columns import Line, labels_notes, labels_words, read_lines
from greycard.datasets.file_facts import scan_files
from greycard.datasets.label_lists import lines_text
from greycard.datasets.listed import Finder, base_of
from greycard.datasets.listing import ListedImage, Listing
from greycard.datasets.parts import some
from greycard.datasets.roles import Role
from greycard.datasets.tables import Table, read_table


def read_listing(place: Path) -> Listing:
    """The images that a table lists; each file is read once.

    Raises:
        GreycardError: no such file, or not a table of paths and labels.
    """
    table = read_table(place)
    lines = read_lines(table)
    base = base_of(place, (line.path for line in lines))
    finder = Finder(base)
    found = [(line, path) for line in lines if (path := finder.find(line.path))]
    there = {line.number for line, _ in found}
    missing = [line for line in lines if line.number not in there]
    once = {path: line for line, path in reversed(found)}  # the first line if there are several
    pairs = [(line, path) for line, path in found if once[path] is line]
    facts = scan_files([path for _, path in pairs])
    images = [
        ListedImage(_id(line, path, place), path, line.label, line.split, each, line.number)
        for (line, path), each in zip(pairs, facts, strict=True)
    ]
    problems = [*_missing(place, missing, base), *_contradicting(place, found, once)]
    repeated = len(found) - len(pairs) - sum(_differ(line, once[path]) for line, path in found)
    notes = [*_encoding_note(table), *_base_note(place, base), *_repeated_note(place, repeated), *_sides_note(lines)]
    if not isinstance(lines[0].label, tuple):
        return Listing(str(place), tuple(images), tuple(problems), (*notes, *labels_notes(table)))
    problems += _untrained(place, [line for line in lines if line.number in there])
    return Listing(str(place), tuple(images), tuple(problems), tuple(notes), labels_words(table))


def _id(line: Line, path: Path, place: Path) -> str:
    own = place.absolute().parent
    return line.path if own / line.path == path else Path(os.path.relpath(path, own)).as_posix()


def _missing(place: Path, lines: Sequence[Line], base: Path) -> list[GreycardError]:
    if not lines:
        return []
    are = "an image that is" if len(lines) == 1 else f"{len(lines):,} images that are"
    slashes = " (a path from another computer?)" if any(":" in line.path for line in lines) else ""
    return [
        GreycardError(
            f"{place} names {are} not there: {some([line.path for line in lines])}{slashes};"
            f" the first is in line {lines[0].number}",
            hint=f"paths are relative to {base}; correct the lines, or remove those of missing images",
        )
    ]


def _differ(line: Line, first: Line) -> bool:
    return (line.label, line.split) != (first.label, first.split)


def _contradicting(place: Path, found: Iterable[tuple[Line, Path]], once: dict[Path, Line]) -> list[GreycardError]:
    """Images with two labels, or in two splits."""
    pairs = [(once[path], line) for line, path in found if _differ(line, once[path])]
    if not pairs:
        return []
    first, second = pairs[0]
    labels = "two labels" if isinstance(first.label, str) else "two different sets of labels"
    what = labels if first.label != second.label else "two splits"
    return [
        GreycardError(
            f"{place} lists {len(pairs):,} {'image' if len(pairs) == 1 else 'images'} twice, with different labels or"
            f" splits: {first.path} in lines {first.number} and {second.number} has {what}; expected each image once",
            hint=f"remove line {first.number} or line {second.number}",
        )
    ]


def _untrained(place: Path, lines: Sequence[Line]) -> list[GreycardError]:
    """Labels of validation or test images that no training image has."""
    trained = {name for line in lines if line.split in (None, Role.TRAIN) for name in line.label}
    new = [line for line in lines if not trained.issuperset(line.label)]
    if not trained or not new:
        return []
    unknown = sorted({name for line in new for name in line.label} - trained)
    return [
        GreycardError(
            f"{place} has {'the label' if len(unknown) == 1 else 'labels'} {some(unknown)} in"
            f" {lines_text([line.number for line in new])}, and no training image has"
            f" {'it' if len(unknown) == 1 else 'them'}; expected the labels of training images",
            hint="correct the names, add training images with them, or remove the labels",
        )
    ]


def _encoding_note(table: Table) -> list[str]:
    text = "".join(cell for row in table.rows for cell in row.cells)
    odd = any("\udc80" <= letter <= "\udcff" for letter in text)
    return [f"{table.place.name} is not in UTF-8; its labels are read as Windows-1252"] if odd else []


def _base_note(place: Path, base: Path) -> list[str]:
    return [] if base == place.absolute().parent else [f"the images of {place.name} were found in {base}"]


def _repeated_note(place: Path, count: int) -> list[str]:
    are = "line repeats an image" if count == 1 else "lines repeat images"
    return (
        [f"{count:,} {are} of earlier lines of {place.name} and {'is' if count == 1 else 'are'} not used"]
        if count
        else []
    )


def _sides_note(lines: Sequence[Line]) -> list[str]:
    sides = {line.split for line in lines}
    if sides == {Role.TRAIN}:
        return ["there are no validation lines, so a part of the training images is split off"]
    return []
