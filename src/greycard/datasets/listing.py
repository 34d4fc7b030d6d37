"""The images of a table: where each lies, what is wrong with some, and which side of the split they are on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from greycard.core.errors import GreycardError
from greycard.datasets.columns import Line, read_lines
from greycard.datasets.dataset import LeftOut, Split
from greycard.datasets.listed import Finder, base_of
from greycard.datasets.parts import some
from greycard.datasets.roles import Role
from greycard.datasets.tables import Table, read_table
from greycard.datasets.validate_images import validate_images


@dataclass(frozen=True)
class ListedImage:
    """A line whose file is there.

    Attributes:
        id: its path as it is written, or from the table's folder where it was found otherwise.
        path: the file.
        label: of it.
        side: of the split, or None.
        number: of the line.
        size: (height, width) in pixels, or why it cannot be read.
    """

    id: str
    path: Path
    label: str
    side: Role | None
    number: int
    size: tuple[int, int] | str


@dataclass(frozen=True)
class Listing:
    """A table's images, each once.

    Attributes:
        place: the table.
        images: those that are there.
        problems: images that are not there, or that have two labels or sides.
        notes: what a user should know about how it was read.
    """

    place: Path
    images: tuple[ListedImage, ...]
    problems: tuple[GreycardError, ...]
    notes: tuple[str, ...]

    def sides(self) -> list[list[ListedImage]]:
        """Training and validation images, or all together where the table names no side, or only training."""
        if all(image.side in (None, Role.TRAIN) for image in self.images):
            return [list(self.images)]
        held = Role.VALIDATION if any(image.side is Role.VALIDATION for image in self.images) else Role.TEST
        return [[image for image in self.images if image.side is role] for role in (Role.TRAIN, held)]

    def left_out(self) -> tuple[LeftOut, ...]:
        return tuple(LeftOut(image.id, image.size) for image in self.images if isinstance(image.size, str))

    def split(self, side: Sequence[ListedImage], classes: Sequence[str]) -> Split:
        """The readable images of a side."""
        numbers = {name: number for number, name in enumerate(classes)}
        good = [image for image in side if not isinstance(image.size, str)]
        labels = np.array([numbers[image.label] for image in good], dtype=np.int64)
        return Split(tuple(image.id for image in good), labels, tuple(image.path for image in good))


def read_listing(place: Path) -> Listing:
    """The images that a table names; the header of each is read.

    Raises:
        GreycardError: no such file, or no table of paths and labels.
    """
    table = read_table(place)
    lines = read_lines(table)
    base = base_of(place, (line.path for line in lines))
    finder = Finder(base)
    found = [(line, path) for line in lines if (path := finder.find(line.path))]
    there = {line.number for line, _ in found}
    missing = [line for line in lines if line.number not in there]
    once = {path: line for line, path in reversed(found)}  # of several the first line
    pairs = [(line, path) for line, path in found if once[path] is line]
    sizes = validate_images([path for _, path in pairs])
    images = [
        ListedImage(_id(line, path, place), path, line.label, line.split, line.number, size)
        for (line, path), size in zip(pairs, sizes, strict=True)
    ]
    problems = [*_missing(place, missing, base), *_contradicting(place, found, once)]
    repeated = len(found) - len(pairs) - sum(_differ(line, once[path]) for line, path in found)
    notes = [*_encoding_note(table), *_base_note(place, base), *_repeated_note(place, repeated), *_sides_note(lines)]
    return Listing(place, tuple(images), tuple(problems), tuple(notes))


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
            hint=f"paths are relative to {base}; mend the lines, or remove those of images that are gone",
        )
    ]


def _differ(line: Line, first: Line) -> bool:
    return (line.label, line.split) != (first.label, first.split)


def _contradicting(place: Path, found: Iterable[tuple[Line, Path]], once: dict[Path, Line]) -> list[GreycardError]:
    """Images with two labels, or on both sides of the split."""
    pairs = [(once[path], line) for line, path in found if _differ(line, once[path])]
    if not pairs:
        return []
    first, second = pairs[0]
    what = "two labels" if first.label != second.label else "both sides of the split"
    return [
        GreycardError(
            f"{place} names {len(pairs):,} {'image' if len(pairs) == 1 else 'images'} again with another label or side:"
            f" {first.path} in lines {first.number} and {second.number} has {what}; expected each image once",
            hint=f"remove line {first.number} or line {second.number}",
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
    spare = sum(line.split is Role.TEST for line in lines) if {Role.VALIDATION, Role.TEST} <= sides else 0
    return [f"{spare:,} test images are left untouched; validation uses the validation images"] if spare else []
