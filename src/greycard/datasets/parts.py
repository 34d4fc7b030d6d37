"""The splits of a layout: the folders of each class, and folders that are not classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.datasets.inside import class_name, has_images, is_output, loops, subfolders

SHAPE = "expected one folder for each class, or train/ and validation/ with one folder for each class"


@dataclass(frozen=True)
class Part:
    """One split, or the whole dataset.

    Attributes:
        place: the folder to name in messages.
        folders: by class name (composed Unicode), in order; a class may have several.
    """

    place: Path
    folders: Mapping[str, tuple[Path, ...]]


@dataclass(frozen=True)
class Layout:
    """Where the classes are.

    Attributes:
        train: the training images, or all images if the validation split is made later.
        validation: the validation images, or None.
        notes: messages for the user.
        problem: error that prevents training; the parts then only say which images to check.
        test: the test images if there are also training and validation images, or None.
        strangers: the folder of images that belong to none of the classes, or None.
    """

    train: Part
    validation: Part | None
    notes: tuple[str, ...] = ()
    problem: GreycardError | None = None
    test: Part | None = None
    strangers: Path | None = None


STRANGERS = "strangers"
"""The folder of images that belong to none of the classes: never a class, never trained on."""


def candidates(folder: Path) -> list[Path]:
    """The subfolders that can be classes or splits."""
    return [child for child in subfolders(folder) if not is_output(child) and child.name != STRANGERS]


def strangers_in(*places: Path) -> Path | None:
    """The first folder of strangers with images, in one of these folders."""
    folders = (place / STRANGERS for place in places)
    return next((each for each in folders if each.is_dir() and has_images(each)), None)


def part_of(place: Path, named: Iterable[tuple[str, Path]] | None = None) -> Part:
    """A split from (name, folder) pairs, by default from all candidates in `place`.

    Folders whose names differ only in their Unicode form (macOS decomposes, Linux and Windows do not) are one class.
    """
    grouped = defaultdict(list)
    for name, folder in ((each.name, each) for each in candidates(place)) if named is None else named:
        grouped[class_name(name)].append(folder)
    return Part(place, {name: tuple(grouped[name]) for name in sorted(grouped)})


def part_notes(part: Part) -> list[str]:
    """Notes about subfolders that are not classes, and about classes with several folders."""
    merged = [name for name, folders in part.folders.items() if len({each.name for each in folders}) > 1]
    return [
        *(
            f"{each.name}/ in {part.place} has results of Greycard, is not a class, and is not used"
            for each in _outputs(part.place)
        ),
        *(f"{each.name} in {part.place} is a link that leads back; it is not followed" for each in loops(part.place)),
        *(f"{name!r} exists in two Unicode forms (composed and decomposed); both are one class" for name in merged),
    ]


def everything_in(place: Path) -> Part:
    """All images below a folder as a single class, for checks when the classes are unknown."""
    return Part(place, {class_name(place.resolve()): (place,)})


def some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _outputs(folder: Path) -> list[Path]:
    return [child for child in subfolders(folder) if is_output(child)]
