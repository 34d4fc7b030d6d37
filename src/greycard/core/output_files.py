"""Output files at paths that users choose. Greycard replaces only files that it made itself."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from greycard.core.atomic_files import atomic_write
from greycard.core.errors import GreycardError

GENERATOR = "Greycard"
"""The `generator` of an HTML page and the `Software` of a PNG: it marks Greycard's own output."""

_MARKS = (f'<meta name="generator" content="{GENERATOR}">'.encode(), f"Software\0{GENERATOR}".encode())
_HEAD_BYTES = 4096


def expect_output(place: Path, *, example: str, derived: bool = False) -> None:
    """Check that `place` can be written without loss of a user's file. This creates nothing.

    An empty file, or one that Greycard wrote, may be replaced.

    Args:
        place: the file.
        example: a file name to show in the hint if `place` is a folder.
        derived: True if Greycard chose the name: then the folder may be missing, because it will be created. A name
            that the user chose may be a pipe or a device.

    Raises:
        GreycardError: a folder or another program's file is at `place`, or its folder is missing or not writable.
    """
    if place.is_dir():
        raise GreycardError(f"{place} is a folder; expected the name of a file", hint=f"for example {place / example}")
    if place.exists() and not (_may_be_replaced(place) if _is_file(place) else not derived):
        raise GreycardError(
            f"{place} already exists and was not made by Greycard; it is not overwritten",
            hint="choose another folder" if derived else "choose another file name",
        )
    expect_folder_of(place, may_be_missing=derived)


def expect_folder_of(place: Path, *, may_be_missing: bool) -> None:
    """Raise a GreycardError if the folder of `place` is missing, is not a folder, or is not writable."""
    folder = place.absolute().parent
    there = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    if not there.is_dir():
        raise GreycardError(f"{place} cannot be written: {there} is not a folder", hint="choose another path")
    if there != folder and not may_be_missing:
        raise GreycardError(f"the folder of {place} does not exist", hint="create it first, or choose another path")
    if not os.access(there, os.W_OK | os.X_OK):
        raise GreycardError(f"{place} cannot be written: {there} is not writable", hint="choose another path")


def write_output(place: Path, content: str | bytes) -> None:
    """Write a file that `expect_output` has checked: atomically, or directly into a pipe or device. Follows links.

    Args:
        place: the file; its folder is created if it is missing.
        content: includes Greycard's mark; text is written as UTF-8.
    """
    place.absolute().parent.mkdir(parents=True, exist_ok=True)
    if place.exists() and not _is_file(place):
        data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
        with place.open("wb") as stream:
            stream.write(data)
    else:
        atomic_write(Path(os.path.realpath(place)), content)


def made_by_greycard(place: Path, mark: str = "") -> bool:
    """True if an HTML page or a PNG has Greycard's mark.

    Args:
        place: a file.
        mark: further text that the file must contain, such as a PNG's `Source`.
    """
    try:
        with place.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    return any(known in head for known in _MARKS) and mark.encode() in head


def _may_be_replaced(place: Path) -> bool:
    return not place.stat().st_size or made_by_greycard(place)


def _is_file(place: Path) -> bool:
    try:
        return stat.S_ISREG(place.stat().st_mode)
    except OSError:
        return False
