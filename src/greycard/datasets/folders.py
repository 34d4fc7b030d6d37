"""A folder of labelled pictures: labels from directory names, a split that is there or is made, bad files named."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from greycard.datasets.core import Dataset, LeftOut, Split, SplitMethod
from greycard.datasets.pictures import quiet_pillow
from greycard.datasets.readable import readable
from greycard.datasets.splits import stratified_split
from greycard.errors import GreycardError, command
from greycard.locations import as_path

_TRAIN = ("train", "training")
_VALIDATION = ("validation", "val", "valid", "test")
_SHAPE = "expected one folder a class, or train/ and validation/ with one folder a class in each"


@dataclass(frozen=True)
class Layout:
    """Where the class folders are: one root to be split, or one for each split; and what to tell the user."""

    train: Path
    validation: Path | None
    notes: tuple[str, ...] = ()


def load_folder(folder: str | Path, *, val_fraction: float = 0.2, split_seed: int = 0) -> Dataset:
    """The dataset in a folder of pictures, its labels from directory names.

    `train/` and `validation/` (also `val`, `valid`, `test`) are used as they are; one level of class folders is split,
    the same share of every class. Files that are no pictures are left out and named in `Dataset.left_out`.

    Args:
        folder: the folder.
        val_fraction: share of each class for validation, where the folder brings no split.
        split_seed: decides that split, together with the file names.

    Raises:
        GreycardError: no such folder, no pictures, fewer than two classes, or a class left empty.
    """
    root = as_path(folder, "a folder")
    layout = find_layout(root)
    found = load_layout(layout, root, root.resolve().name, val_fraction=val_fraction, split_seed=split_seed)
    return replace(found, origin=root)


def load_layout(layout: Layout, root: Path, name: str, *, val_fraction: float, split_seed: int) -> Dataset:
    """The dataset of a layout; ids are paths relative to `root`. Raises as `load_folder` does."""
    train = _Scan(layout.train, root)
    if layout.validation is None:
        train.expect_pictures(at_least=2)
        whole = train.split()
        rows = stratified_split(whole.labels, val_fraction, split_seed)
        splits, left_out = (whole.take(rows[0]), whole.take(rows[1])), train.left_out
        method = SplitMethod(val_fraction, split_seed)
    else:
        validation = _Scan(layout.validation, root)
        _expect_same_classes(train, validation)
        train.expect_pictures(at_least=1)
        validation.expect_pictures(at_least=1)
        splits, left_out = (train.split(), validation.split()), train.left_out + validation.left_out
        method = SplitMethod()
    notes = layout.notes + train.notes
    return Dataset(name, train.classes, *splits, left_out=tuple(left_out), notes=notes, sizes=train.sizes, split=method)


def find_layout(root: Path) -> Layout:
    """Where a user's folder has its classes, told from its subfolders' names."""
    if not root.is_dir():
        if root.exists():
            raise GreycardError(f"{root} is a file; {_SHAPE}", hint=f"name a folder, such as {root.parent}")
        raise GreycardError(
            f"{root} does not exist; {_SHAPE}", hint=f"`{command('sample', root)}` renders a folder to try"
        )
    named = {child.name.lower(): child for child in _subfolders(root)}
    train = next((named[name] for name in _TRAIN if name in named and _subfolders(named[name])), None)
    validation = [named[name] for name in _VALIDATION if name in named and _subfolders(named[name])]
    if train is None:
        _expect_classes_not_splits(root)
        return Layout(root, None)
    beside = _beside(root, {train, *validation})
    if not validation:
        split_off = f"there is no validation/ beside {train.name}/, so a part of it is split off"
        return Layout(train, None, (*beside, split_off))
    spare = tuple(f"{other.name}/ is left untouched; validation uses {validation[0].name}/" for other in validation[1:])
    return Layout(train, validation[0], (*beside, *spare))


def _beside(root: Path, used: set[Path]) -> tuple[str, ...]:
    """A class folder that was put beside train/ by mistake must not vanish without a word."""
    others = [child for child in _subfolders(root) if child not in used]
    return tuple(
        f"{other.name}/ lies beside the training pictures, not among them, and is not used" for other in others
    )


def _expect_classes_not_splits(root: Path) -> None:
    names = [child.name for child in _subfolders(root)]
    if names and all(name.lower() in (*_TRAIN, *_VALIDATION) for name in names):
        raise GreycardError(
            f"{root} has {_some(names)} and no train/ with class folders; {_SHAPE}",
            hint="name the folder of training pictures train",
        )


class _Scan:
    """One root of class folders, looked through once: its classes, readable files, and what is left out."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.root = folder, root
        self.classes = tuple(child.name for child in _subfolders(folder))
        self.left_out: list[LeftOut] = []
        self.notes = self._loose_files()
        found = [(label, path) for label, name in enumerate(self.classes) for path in self._look_through(folder / name)]
        sizes = self._readable(found)
        self._files = [pair for pair, size in zip(found, sizes, strict=True) if size]
        shorts = sorted(min(size) for size in sizes if size)
        self.sizes = (shorts[0], shorts[len(shorts) // 2], shorts[-1]) if shorts else None

    def split(self) -> Split:
        paths = tuple(path for _, path in self._files)
        labels = np.array([label for label, _ in self._files], dtype=np.int64)
        return Split(tuple(self._id(path) for path in paths), labels, paths)

    def expect_pictures(self, *, at_least: int) -> None:
        counts = np.bincount([label for label, _ in self._files], minlength=len(self.classes))
        if not counts.sum():
            raise GreycardError(
                f"there are no pictures in class folders in {self.folder}; {_SHAPE}{self._why_left_out()}",
                hint="put the pictures of each class into a folder named after it",
            )
        if len(self.classes) < 2:
            raise GreycardError(
                f"{self.folder} has a single class, {self.classes[0]!r}; expected two or more",
                hint="add a folder with pictures of something else",
            )
        for name, count in zip(self.classes, counts, strict=True):
            if count < at_least:
                received = f"{count or 'no'} readable picture"
                raise GreycardError(
                    f"class {name!r} in {self.folder} has {received}; expected {at_least} or more"
                    f"{self._why_left_out()}",
                    hint=f"add pictures to {self.folder / name}, or remove the folder",
                )

    def _look_through(self, folder: Path) -> list[Path]:
        """The class's files; folders that cannot be entered, or are links to elsewhere, are left out by name."""
        files, closed = visible_files(folder)
        self.left_out += [LeftOut(self._id(path), why) for path, why in closed]
        return files

    def _readable(self, found: list[tuple[int, Path]]) -> list[tuple[int, int] | None]:
        with quiet_pillow():
            outcomes = readable([path for _, path in found])
        for (_, path), outcome in zip(found, outcomes, strict=True):
            if isinstance(outcome, str):
                self.left_out.append(LeftOut(self._id(path), outcome))
        return [None if isinstance(outcome, str) else outcome for outcome in outcomes]

    def _loose_files(self) -> tuple[str, ...]:
        loose = sorted(path.name for path in self.folder.iterdir() if path.is_file() and not path.name.startswith("."))
        if not loose:
            return ()
        are = "files lie" if len(loose) > 1 else "file lies"
        return (f"{len(loose)} {are} in {self.folder} in no class folder and so without a label: {_some(loose)}",)

    def _why_left_out(self) -> str:
        if self.left_out:
            first = self.left_out[0]
            return f". {len(self.left_out)} files could not be read, such as {first.id} ({first.reason})"
        return f". {self.notes[0]}" if self.notes else ""

    def _id(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def _expect_same_classes(train: _Scan, validation: _Scan) -> None:
    missing = sorted(set(train.classes) - set(validation.classes))
    extra = sorted(set(validation.classes) - set(train.classes))
    if missing or extra:
        side, other, names = (train, validation, missing) if missing else (validation, train, extra)
        raise GreycardError(
            f"the classes of {train.folder} and {validation.folder} differ: {_some(names)} is in {side.folder.name}/"
            f" but not in {other.folder.name}/; expected the same class folders in both",
            hint=f"rename, add or remove folders; {train.folder.name}/ has {_some(list(train.classes))}",
        )


def _subfolders(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))


def visible_files(folder: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Every file below a folder in order of its path, and the folders not entered, with the reason.

    Hidden files and folders are none of the user's data.
    """
    files: list[Path] = []
    closed: list[tuple[Path, str]] = []

    def refused(error: OSError) -> None:
        closed.append((Path(error.filename), error.strerror or "cannot be read"))

    for parent, children, names in os.walk(folder, onerror=refused):
        children[:] = sorted(child for child in children if not child.startswith("."))
        closed += [(Path(parent, c), "a link to a folder") for c in children if Path(parent, c).is_symlink()]
        files += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(files), closed


def _some(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
