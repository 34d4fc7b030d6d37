"""A folder of images with a folder for each class, as the page changes it: labels, classes, trash."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from threading import RLock

from greycard.core.atomic_files import atomic_path
from greycard.datasets.formats import has_image_ending
from greycard.datasets.inside import is_system
from greycard.deploy.serve.limits import RefusedError
from greycard.studio.images.changes import Change, NewImage
from greycard.studio.images.history import History, Move, Step
from greycard.studio.images.label_file import LabelFile, LabelFiles
from greycard.studio.images.names import class_name, file_name, free_path, is_text, label_of
from greycard.studio.images.usable import expect_usable
from greycard.studio.images.walk import image_ids

STATE = ".greycard"
"""The hidden folder inside the user's: history, trash and thumbnails. Datasets leave hidden folders out."""

TRASH = f"{STATE}/trash"


class ImageFolder:
    """The images of a folder. Its methods may be called from several threads.

    An image's id is its path relative to the folder, with `/`. Images directly in the folder have no label.

    Args:
        root: the user's folder; created if it does not exist.

    Raises:
        GreycardError: it is a file, or it is already split into training and validation images.
    """

    def __init__(self, root: Path) -> None:
        self.root, self._lock = root, RLock()
        expect_usable(root)
        root.mkdir(parents=True, exist_ok=True)
        self._history = History(root, root / STATE / "history.json")
        self._label_files = LabelFiles(root)
        self._changes, self._count = 0, 0

    def images(self) -> dict[str, list[str]]:
        """The ids of each class's images, by class in alphabetical order; those without a label are under ``""``.

        Files and folders whose names are not text are left out.
        """
        with self._lock:
            found: dict[str, list[str]] = {name: [] for name in ("", *self.classes())}
            for id in image_ids(self.root):
                found.setdefault(label_of(id) or "", []).append(id)  # another program may just have made its folder
            self._counted(sum(map(len, found.values())))
            return found

    def classes(self) -> list[str]:
        """The names of the class folders, empty ones too."""
        with os.scandir(self.root) as entries:
            inside = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
        return sorted(entry.name for entry in inside if not is_system(entry.name) and is_text(entry.name))

    def path(self, id: str) -> Path:
        """The file of an image.

        Raises:
            RefusedError: there is no image with this id; the id may come from anywhere.
        """
        parts = PurePosixPath(id).parts
        plain = bool(parts) and is_text(id) and not any(letter in id for letter in "\\\0:") and not id.startswith("/")
        found = self.root.joinpath(*parts)
        if not plain or any(map(is_system, parts)) or not has_image_ending(found) or not _is_inside(found, self.root):
            raise RefusedError(404, f"there is no image {id[:80]!r}")
        return found

    def label(self, ids: Sequence[str], name: str | None) -> Change:
        """Give images a label, or take it from them."""
        with self._lock:
            chosen = None if name is None else self._existing(name)
            moves = self._moves_to(chosen or "", [id for id in self._checked(ids) if label_of(id) != chosen])
            return self._do(f"{_count(moves)} to {chosen or 'no class'}", moves)

    def discard(self, ids: Sequence[str]) -> Change:
        """Move images to the trash."""
        with self._lock:
            moves = self._moves((id, PurePosixPath(TRASH, id)) for id in self._checked(ids))
            return self._do(f"{_count(moves)} to the trash", moves)

    def add_class(self, typed: object) -> Change:
        with self._lock:
            name = class_name(typed)
            if self._same(name) is not None:
                raise RefusedError(409, f"there is a class {self._same(name)!r} already")
            (self.root / name).mkdir()
            return self._change([])

    def rename_class(self, old: object, typed: object) -> Change:
        """Give a class another name; if there is such a class, its images are added to it."""
        with self._lock:
            known, name = self._existing(old), class_name(typed)
            other = self._same(name)
            if other == known:  # at most another spelling: some file systems do not tell both apart
                raise RefusedError(409, f"{known!r} and {name!r} are the same folder on some computers")
            target = other or name
            moves = self._moves_to(target, self.images()[known])
            change = self._do(f"class {known} to {target}", moves)
            (self.root / target).mkdir(exist_ok=True)
            return self._without_folder(known, change)

    def remove_class(self, name: object) -> Change:
        """Remove a class; its images stay, without a label."""
        with self._lock:
            known = self._existing(name)
            change = self._do(f"class {known} removed", self._moves_to("", self.images()[known]))
            return self._without_folder(known, change)

    def add(self, uploaded: str, ending: str, content: bytes, name: str | None) -> Change:
        """Add an image to a class, or without a label.

        Args:
            uploaded: the file's name on the user's machine.
            ending: of its format, such as `.jpg`.
            content: the file, checked.
            name: the class.
        """
        with self._lock:
            folder = PurePosixPath("" if name is None else self._existing(name))
            place = free_path(folder / file_name(uploaded, ending), self._exists)
            hidden = free_path(PurePosixPath(TRASH, place), self._exists)
            (self.root / hidden).parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(self.root / hidden) as draft:
                draft.write_bytes(content)
            return self._do(f"{PurePosixPath(place).name} added", [Move(hidden, place)])

    def add_all(self, images: Sequence[NewImage], name: str | None) -> Change:
        """Add images as one step.

        Args:
            images: in this folder's state; classes that do not exist are made.
            name: the class of those without a class; None for no label.
        """
        with self._lock:
            shown = "" if name is None else self._existing(name)
            known = self._class_folders(each.label for each in images if each.label is not None)
            folders = [shown if each.label is None else known[each.label] for each in images]
            names = (file_name(each.name, each.ending) for each in images)
            wanted = zip(map(str, range(len(images))), map(PurePosixPath, folders, names), strict=True)
            targets = [move.target for move in self._moves(wanted)]
            pairs = zip(images, targets, strict=True)
            moves = [Move(self._hidden(each.file, target), target) for each, target in pairs]
            return self._do(f"{_count(moves)} added", moves)

    def label_file(self) -> LabelFile | None:
        """A label file in the folder that names classes of its images, if there is one."""
        with self._lock:
            return self._label_files.first()

    def sort(self, labels: Mapping[str, str], aside: str) -> Change:
        """Move images into their classes, and the file that says so into the trash, as one step.

        Args:
            labels: the class of each image, by id.
            aside: the file's path in the folder.
        """
        with self._lock:
            folders = self._class_folders(labels.values())
            wanted = ((id, PurePosixPath(folders[label], PurePosixPath(id).name)) for id, label in labels.items())
            moves = self._moves((id, place) for id, place in wanted if label_of(id) != place.parts[0])
            file = Move(aside, free_path(PurePosixPath(TRASH, aside), self._exists))
            what = f"{_count(moves)} to the classes of {aside}" if moves else f"{aside} to the trash"
            change = self._change(self._history.do(Step(what, (*moves, file))))
            for name in {label_of(move.source) or "" for move in moves} - {"", *folders.values()}:
                change = self._without_folder(name, change)
            return change

    def undo(self) -> Change:
        with self._lock:
            return self._change(self._history.undo())

    def redo(self) -> Change:
        with self._lock:
            return self._change(self._history.redo())

    def unchanged(self) -> Change:
        """The classes, and what can be undone and done again."""
        with self._lock:
            return self._state([])

    @property
    def changes(self) -> int:
        """How often the folder was changed since the start: another page knows by it that its lists are old."""
        return self._changes

    def _do(self, what: str, moves: Sequence[Move]) -> Change:
        if any(not move.source.startswith(f"{STATE}/") for move in moves):
            self._expect_no_label_file()
        return self._change(self._history.do(Step(what, tuple(moves))) if moves else [])

    def _counted(self, images: int) -> None:
        if images != self._count:  # another program may have added some
            self._count = images
            self._label_files.images_added()

    def _change(self, moves: Sequence[Move]) -> Change:
        self._changes += 1
        if any(move.source.startswith(f"{STATE}/") for move in moves):
            self._label_files.images_added()
        return self._state([move for move in moves if has_image_ending(Path(move.source))])

    def _state(self, moves: Sequence[Move]) -> Change:
        return Change(moves, self.classes(), self._history.undoable, self._history.redoable)

    def _expect_no_label_file(self) -> None:
        """A label file names its images by their places: moving one would leave it wrong."""
        table = self._label_files.first()
        if table is not None:
            raise RefusedError(409, f"{table.name} names classes for these images; use it or set it aside first")

    def _checked(self, ids: Sequence[str]) -> Sequence[str]:
        """The same ids; raises a RefusedError if one is not of an image."""
        for id in ids:
            self.path(id)
        return ids

    def _moves_to(self, folder: str, ids: Iterable[str]) -> list[Move]:
        """Moves into one folder under free names."""
        return self._moves((id, PurePosixPath(folder, PurePosixPath(id).name)) for id in ids)

    def _moves(self, wanted: Iterable[tuple[str, PurePosixPath]]) -> list[Move]:
        """Moves of images to these places, or to free ones beside them."""
        found: dict[str, Move] = {}
        tried = Counter[PurePosixPath]()
        for id, place in wanted:
            tried[place] += 1
            target = free_path(place, lambda name: name.casefold() in found or self._exists(name), tried[place])
            found[target.casefold()] = Move(id, target)
        return list(found.values())

    def _hidden(self, file: Path, target: str) -> str:
        """Move a file of the page's own into the trash, from where a step can take it; its place there."""
        place = free_path(PurePosixPath(TRASH, target), self._exists)
        (self.root / place).parent.mkdir(parents=True, exist_ok=True)
        os.rename(file, self.root / place)
        return place

    def _class_folders(self, labels: Iterable[str]) -> dict[str, str]:
        """The folder of each label: an existing one, if some file systems take both for one."""
        known = {name.casefold(): name for name in self.classes()}
        wanted = {label: class_name(label) for label in labels}
        return {label: known.setdefault(name.casefold(), name) for label, name in wanted.items()}

    def _exists(self, id: str) -> bool:
        return os.path.lexists(self.root / id)

    def _without_folder(self, name: str, change: Change) -> Change:
        """Remove a class's folders if nothing is left in them: other files, such as notes, keep them."""
        for parent, _, _ in os.walk(self.root / name, topdown=False):
            if not os.listdir(parent):
                os.rmdir(parent)
        return Change(change.moves, self.classes(), change.undo, change.redo)

    def _existing(self, name: object) -> str:
        if name not in self.classes():
            raise RefusedError(404, f"there is no class {str(name)[:80]!r}")
        return str(name)

    def _same(self, name: str) -> str | None:
        """A class that some file systems take for this one."""
        return next((each for each in self.classes() if each.casefold() == name.casefold()), None)


def _count(moves: Sequence[Move]) -> str:
    return "1 image" if len(moves) == 1 else f"{len(moves):,} images"


def _is_inside(path: Path, root: Path) -> bool:
    """True if it is a file in the folder; a link that leads out of it is none, and a name that is too long neither."""
    with suppress(OSError):
        return path.is_file() and path.resolve().is_relative_to(root.resolve())
    return False
