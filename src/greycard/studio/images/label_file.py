"""Label files beside the images: tables that name classes of the folder's images by their places."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from greycard.core.errors import GreycardError, command
from greycard.datasets.columns import Line, read_lines
from greycard.datasets.formats import has_image_ending
from greycard.datasets.inside import is_system
from greycard.datasets.listed import Finder, base_of
from greycard.datasets.manifest import TABLE_ENDINGS
from greycard.datasets.numbers import are_numbers
from greycard.datasets.tables import read_table
from greycard.studio.images.names import is_text, label_of

_MOST_BYTES = 64_000_000
Version = tuple[str, int, int]


@dataclass(frozen=True)
class LabelFile:
    """A table that names classes of images in its folder.

    Attributes:
        place: the file.
        labels: the class of each image, by id.
        missing: lines whose image is not in the folder.
        has_split: whether it also splits them into training and validation images.
        problem: why it cannot be used; None if it can.
        several: whether it gives images several labels, which folders cannot.
        numbers: whether its labels are numbers, for which there are no folders.
    """

    place: Path
    labels: Mapping[str, str]
    missing: int
    has_split: bool
    problem: str | None
    several: bool = False
    numbers: bool = False

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def moves(self) -> int:
        """The number of images that are not in the folder of their class; 0 for several labels and for numbers."""
        return 0 if self.several or self.numbers else sum(label_of(id) != label for id, label in self.labels.items())


class LabelFiles:
    """The label files directly in a folder; each is read once, and again when it has changed.

    One that names images which are not there is also read again after images were added.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._read: dict[Version, LabelFile | None] = {}

    def first(self) -> LabelFile | None:
        """The first one by name that names an image of the folder."""
        found = {_version(path): path for path in self._tables()}
        self._read = {version: table for version, table in self._read.items() if version in found}
        for version, path in found.items():
            if version not in self._read:
                self._read[version] = _read(self._root, path)
        return next((table for version in found if (table := self._read[version]) is not None and table.labels), None)

    def images_added(self) -> None:
        """Tables that named images which were not there are read again: some may be there now."""
        self._read = {version: table for version, table in self._read.items() if table is None or not table.missing}

    def _tables(self) -> list[Path]:
        with os.scandir(self._root) as entries:  # it may have 20,000 other files, and labels are changed by a key
            names = [each.name for each in entries if each.name.lower().endswith(TABLE_ENDINGS) and each.is_file()]
        return [self._root / name for name in sorted(names) if not is_system(name) and is_text(name)]


def _version(path: Path) -> Version:
    facts = path.stat()
    return path.name, facts.st_mtime_ns, facts.st_size


def _read(root: Path, place: Path) -> LabelFile | None:
    """The label file, which may name no image of the folder yet; None if it is another table."""
    try:
        lines = read_lines(read_table(place)) if place.stat().st_size <= _MOST_BYTES else []
    except GreycardError:
        return None
    if not lines:
        return None
    finder = Finder(base_of(place, (line.path for line in lines)))
    found = [(line, id) for line in lines if (id := _id(root, finder.find(line.path))) is not None]
    several = any(isinstance(line.label, tuple) for line in lines)
    labels = {id: _name(line) for line, id in reversed(found)}  # the first line if there are several
    has_split = any(line.split for line in lines)
    numbers = not several and are_numbers([_name(line) for line, _ in found])
    problem = _no_folders(place, several, numbers) or _contradiction(place.name, found, labels)
    return LabelFile(place, labels, len(lines) - len(found), has_split, problem, several, numbers)


def _id(root: Path, path: Path | None) -> str | None:
    """The id of an image in the folder; None for any other file."""
    place = None if path is None else Path(os.path.normpath(path))
    if place is None or not has_image_ending(place) or not place.is_relative_to(root):
        return None
    parts = place.relative_to(root).parts
    return None if any(map(is_system, parts)) else "/".join(parts)


def _name(line: Line) -> str:
    return line.label if isinstance(line.label, str) else ", ".join(line.label)


def _no_folders(place: Path, several: bool, numbers: bool) -> str | None:
    """Why its labels cannot be folders; None if they can."""
    if not (several or numbers):
        return None
    what = "several labels" if several else "numbers"
    return (
        f"{place.name} gives images {what}, and this page sorts images into one folder each. Train with it on the"
        f" command line: {command('train', place)}"
    )


def _contradiction(name: str, found: Iterable[tuple[Line, str]], labels: Mapping[str, str]) -> str | None:
    wrong = next(((line, id) for line, id in found if _name(line) != labels[id]), None)
    if wrong is None:
        return None
    line, id = wrong
    return f"line {line.number} of {name} gives {id} the class {line.label!r}, an earlier line {labels[id]!r}"
