"""Scan one split of a layout: its classes, readable images, and files left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from greycard.core.errors import GreycardError
from greycard.datasets.dataset import LeftOut, Split
from greycard.datasets.file_facts import FileFacts, ReadFacts, scan_files
from greycard.datasets.formats import HEIC_EXTRA, has_image_ending, is_no_image
from greycard.datasets.inside import files_below, loose_files
from greycard.datasets.parts import SHAPE, Part, some

Sizes = tuple[int, int, int]
"""Smallest, median and largest short side, in pixels."""

_PUT = "put the images of each class into a folder named after it"
_REPLACE = "replace the files that cannot be read; `greycard check FOLDER` names them"


@dataclass(frozen=True)
class Scan:
    """Result of the scan.

    Attributes:
        part: the split that was scanned.
        root: ids are paths relative to it.
        labels: class index of each readable image in the split.
        paths: of the readable images, in the same order.
        facts: of the readable images, in the same order.
        left_out: images that cannot be read, and folders that were not entered.
        others: files that are not images by content or name.
        loose: images outside class folders.
        sizes: of the readable images, or None.
    """

    part: Part
    root: Path
    labels: tuple[int, ...]
    paths: tuple[Path, ...]
    facts: tuple[FileFacts, ...]
    left_out: tuple[LeftOut, ...]
    others: tuple[Path, ...]
    loose: tuple[Path, ...]
    sizes: Sizes | None

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.part.folders)

    def split(self, classes: Sequence[str]) -> Split:
        """The images with labels as indices of `classes`, which contains the split's classes."""
        numbers = [classes.index(name) for name in self.classes]
        labels = np.array([numbers[label] for label in self.labels], dtype=np.int64)
        return Split(tuple(_id(path, self.root) for path in self.paths), labels, self.paths, self.facts)

    def notes(self) -> list[str]:
        if not self.loose:
            return []
        are = "images are" if len(self.loose) > 1 else "image is"
        names = some([path.name for path in self.loose])
        return [f"{len(self.loose)} {are} in {self.part.place} not in a class folder, without a label: {names}"]

    def problems(self, *, at_least: int) -> list[GreycardError]:
        """Errors that prevent training or measuring with these images."""
        if not self.paths:
            return [self._no_images()]
        if len(self.classes) < 2:
            return [
                GreycardError(
                    f"{self.part.place} has a single class, {self.classes[0]!r}; expected two or more",
                    hint="add a folder with images of something else",
                )
            ]
        counts = np.bincount(self.labels, minlength=len(self.classes)).tolist()
        return [
            self._too_few(name, count, at_least)
            for name, count in zip(self.classes, counts, strict=True)
            if count < at_least
        ]

    def _no_images(self) -> GreycardError:
        return GreycardError(
            f"there are no {'readable ' if self.left_out else ''}images in class folders in {self.part.place};"
            f" {SHAPE}{self._why_left_out('')}",
            hint=needed_extra(self.left_out) or (_REPLACE if self.left_out else _PUT),
        )

    def _too_few(self, name: str, count: int, at_least: int) -> GreycardError:
        folder = self.part.folders[name][0]
        return GreycardError(
            f"class {name!r} in {self.part.place} has {count or 'no'} readable image; expected {at_least} or more"
            f"{self._why_left_out(name)}",
            hint=needed_extra(self.left_out) or f"add images to {folder}, or remove the folder",
        )

    def _why_left_out(self, name: str) -> str:
        """The unused files of one class, or of all classes."""
        folders = self.part.folders.get(name, ()) or (self.root,)
        bad = [item for item in self.left_out if any((self.root / item.id).is_relative_to(each) for each in folders)]
        others = [path for path in self.others if any(path.is_relative_to(each) for each in folders)]
        if bad:
            files = "file" if len(bad) == 1 else "files"
            return f". {len(bad)} {files} could not be read, such as {bad[0].id} ({bad[0].reason})"
        if others:
            are = "file is not an image" if len(others) == 1 else "files are not images"
            return f". {len(others)} {are}, such as {_id(others[0], self.root)}"
        return f". {self.notes()[0]}" if self.loose else ""


def scan(part: Part, root: Path, read: ReadFacts = scan_files) -> Scan:
    """Scan a split; every file is read once, by `read`."""
    below = [(label, files_below(folder)) for label, folders in enumerate(part.folders.values()) for folder in folders]
    found = [(label, path) for label, each in below for path in each.files]
    outcomes = read([path for _, path in found])
    good = [(*pair, facts) for pair, facts in zip(found, outcomes, strict=True) if not isinstance(facts, str)]
    bad = [(path, why) for (_, path), why in zip(found, outcomes, strict=True) if isinstance(why, str)]
    others = {path: None for path, why in bad if _is_other(path, why)}
    closed = [pair for _, each in below for pair in each.closed]
    loose = [] if (part.place,) in part.folders.values() else loose_files(part.place)
    return Scan(
        part,
        root,
        labels=tuple(label for label, _, _ in good),
        paths=tuple(path for _, path, _ in good),
        facts=tuple(facts for _, _, facts in good),
        left_out=tuple(LeftOut(_id(path, root), why) for path, why in closed + bad if path not in others),
        others=(*others, *(path for path in loose if not has_image_ending(path))),
        loose=tuple(path for path in loose if has_image_ending(path)),
        sizes=spread([facts.size for _, _, facts in good]),
    )


def spread(sizes: Sequence[tuple[int, int]]) -> Sizes | None:
    """Of (height, width) each."""
    shorts = sorted(map(min, sizes))
    return (shorts[0], shorts[len(shorts) // 2], shorts[-1]) if shorts else None


def needed_extra(left_out: Sequence[LeftOut]) -> str | None:
    """The install command that makes left-out files readable."""
    return HEIC_EXTRA if any(HEIC_EXTRA in item.reason for item in left_out) else None


def others_note(others: Sequence[Path]) -> list[str]:
    """`5 other files ignored`, with their extensions."""
    if not others:
        return []
    kinds = sorted({path.suffix.lower() or path.name for path in others})
    return [f"{len(others)} other {'file' if len(others) == 1 else 'files'} ignored ({some(kinds)})"]


def image_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files below a folder that are images by extension or content, and the others."""
    files = files_below(folder).files
    unsure = [path for path in files if not has_image_ending(path)]
    others = {path for path, what in zip(unsure, scan_files(unsure), strict=True) if _is_other(path, what)}
    return [path for path in files if path not in others], sorted(others)


def _is_other(path: Path, outcome: FileFacts | str) -> bool:
    """Whether neither the extension nor the content is that of an image."""
    return isinstance(outcome, str) and is_no_image(outcome) and not has_image_ending(path)


def _id(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
