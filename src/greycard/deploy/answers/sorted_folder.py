"""Images sorted by their answers: a folder for each answer with links to the images, or copies."""

from __future__ import annotations

import errno
import filecmp
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from greycard.core.atomic_files import naming
from greycard.core.errors import GreycardError
from greycard.datasets.folder_names import UNUSABLE

_DRAFT = ".incomplete-"
_SHORT = 8
_QUALITY = 95
_NO_LINKS = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP)
_NO_PRIVILEGE = 1314
"""Windows' error for a user who may not make symbolic links."""

Make = Callable[[Path], None]


class SortedFolder:
    """A folder that images are linked or copied into. Nothing in it is ever replaced or removed.

    Args:
        root: the folder; it is created when the first image is placed.
        copies: True for copies in place of links.

    Attributes:
        placed: the number of new links and copies.
        there: the number that an earlier call has placed.
        copies: whether copies are made; also where links are not possible.
    """

    def __init__(self, root: Path, *, copies: bool = False) -> None:
        self.root, self.copies = root, copies
        self.placed = self.there = 0
        self._used: set[Path] = set()

    def place(self, image: Path, folder: str) -> None:
        """Link or copy an image file into a folder of the root.

        It keeps its name; if another image has it, some digits are added.
        """
        source = Path(os.path.abspath(image))
        digest = _digest(source)
        names = (source.name, _with_digits(source, digest[:_SHORT]), _with_digits(source, digest))
        self._place(folder, names, lambda new: _is_of(new, source), self._linked(source))

    def place_frame(self, frame: Image.Image, name: str, folder: str) -> None:
        """Save a video's frame as JPEG in a folder of the root; the digits in its name say which video it is from."""
        file = f"{frame_file(name)}.jpg"
        self._place(folder, (file,), Path.is_file, lambda new: _new_file(new, lambda draft: save_frame(frame, draft)))

    def _place(self, folder: str, names: Sequence[str], is_same: Callable[[Path], bool], make: Make) -> None:
        """Use the first name that is free, or that an earlier call has given to this image."""
        inside = self.root / folder
        inside.mkdir(parents=True, exist_ok=True)
        for new in (inside / name for name in names):
            if new in self._used:
                continue
            is_free = not os.path.lexists(new)
            if is_free or is_same(new):
                if is_free:
                    make(new)
                self._used.add(new)
                self.placed, self.there = self.placed + is_free, self.there + (not is_free)
                return
        raise GreycardError(f"{inside} has other files named {' and '.join(names)}", hint="choose another folder")

    def _linked(self, source: Path) -> Make:
        def make(new: Path) -> None:
            if not self.copies:
                try:
                    new.symlink_to(source)
                    return
                except OSError as error:
                    if not _is_without_links(error):
                        raise
                    self.copies = True
            _new_file(new, lambda draft: shutil.copy2(source, draft))

        return make


def frame_file(name: str) -> str:
    """A frame's name as that of a file, without an ending: other systems do not allow colons."""
    return f"{UNUSABLE.sub('-', Path(name).name)}-{_digest(Path(os.path.abspath(name)))[:_SHORT]}"


def save_frame(frame: Image.Image, place: Path) -> None:
    frame.save(place, "JPEG", quality=_QUALITY)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()


def _with_digits(path: Path, digits: str) -> str:
    return f"{path.stem}-{digits}{path.suffix}"


def _is_of(new: Path, source: Path) -> bool:
    """Whether an entry is a link to this image, or a copy of it."""
    if new.is_symlink():
        return os.readlink(new) == str(source)
    return new.is_file() and source.is_file() and filecmp.cmp(new, source, shallow=False)


def _is_without_links(error: OSError) -> bool:
    return error.errno in _NO_LINKS or (sys.platform == "win32" and error.winerror == _NO_PRIVILEGE)


def _new_file(place: Path, write: Callable[[Path], object]) -> None:
    """Write a new file completely or not at all; a file that is there by now is not replaced."""
    draft = place.with_name(f"{_DRAFT}{secrets.token_hex(4)}{place.suffix[-10:]}")
    try:
        with naming(place, draft):
            write(draft)
            try:
                os.link(draft, place)
            except FileExistsError:
                raise
            except OSError:  # a disk without links
                if os.path.lexists(place):
                    raise
                os.rename(draft, place)
    finally:
        draft.unlink(missing_ok=True)
