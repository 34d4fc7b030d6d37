"""The parts of a layout: for each class its folders, and what a folder holds that is none of its classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.datasets.inside import class_name, is_output, loops, subfolders

SHAPE = "expected one folder a class, or train/ and validation/ with one folder a class in each"


@dataclass(frozen=True)
class Part:
    """One side of a split, or all of it.

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
        train: the training images, or all images where a part of them is to be split off.
        validation: the validation images, or None.
        notes: what to tell the user.
        problem: why this cannot be trained on; then the parts only say which images there are to look at.
        test: the test images, where there are training and validation images, too; or None.
    """

    train: Part
    validation: Part | None
    notes: tuple[str, ...] = ()
    problem: GreycardError | None = None
    test: Part | None = None


def candidates(folder: Path) -> list[Path]:
    """The subfolders that can be classes, or parts of a split."""
    return [child for child in subfolders(folder) if not is_output(child)]


def part_of(place: Path, named: Iterable[tuple[str, Path]] | None = None) -> Part:
    """A part of (name, folder) pairs, by default of each candidate in `place`.

    Folders whose names differ only in their Unicode form (macOS decomposes, Linux and Windows do not) are one class.
    """
    grouped = defaultdict(list)
    for name, folder in ((each.name, each) for each in candidates(place)) if named is None else named:
        grouped[class_name(name)].append(folder)
    return Part(place, {name: tuple(grouped[name]) for name in sorted(grouped)})


def part_notes(part: Part) -> list[str]:
    """What lies in a part's folder and is no class, and which classes have several folders."""
    merged = [name for name, folders in part.folders.items() if len({each.name for each in folders}) > 1]
    return [
        *(f"{each.name}/ in {part.place} holds results, no class, and is not used" for each in _outputs(part.place)),
        *(f"{each.name} in {part.place} is a link that leads back, and is not followed" for each in loops(part.place)),
        *(f"{name!r} is there in two Unicode forms (composed and decomposed); they are one class" for name in merged),
    ]


def everything_in(place: Path) -> Part:
    """All images below a folder as a single class, to be looked at where no classes can be told."""
    return Part(place, {class_name(place.resolve()): (place,)})


def some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _outputs(folder: Path) -> list[Path]:
    return [child for child in subfolders(folder) if is_output(child)]
