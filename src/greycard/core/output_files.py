"""Files written where a user may have put something: what Greycard did not make is never replaced."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from greycard.core.atomic_files import atomic_write
from greycard.core.errors import GreycardError

GENERATOR = "Greycard"
"""What a page has as its `generator`, and a PNG as its `Software`: by this an earlier output is known again."""

_MARKS = (f'<meta name="generator" content="{GENERATOR}">'.encode(), f"Software\0{GENERATOR}".encode())
_HEAD_BYTES = 4096


def expect_output(place: Path, *, example: str, derived: bool = False) -> None:
    """See that a file can be written to `place` and takes nothing from the user; nothing is created.

    An empty file, or one that Greycard wrote, is written anew.

    Args:
        place: the file.
        example: a name for it, to be shown where a folder is named.
        derived: whether Greycard made up the name: then its folder may be missing, because it is created. What the user
            has named may be a pipe or a device, and is written into.

    Raises:
        GreycardError: a folder or another program's file is there, or its folder is missing or closed to us.
    """
    if place.is_dir():
        raise GreycardError(f"{place} is a folder; expected the name of a file", hint=f"for example {place / example}")
    if place.exists() and not (_is_written_anew(place) if _is_file(place) else not derived):
        raise GreycardError(
            f"{place} is there already and was not made by Greycard; nothing is overwritten",
            hint="name another folder" if derived else "name another file",
        )
    expect_folder_of(place, may_be_missing=derived)


def expect_folder_of(place: Path, *, may_be_missing: bool) -> None:
    """GreycardError where the folder of `place` is missing, is none, or may not be written to."""
    folder = place.absolute().parent
    there = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    if not there.is_dir():
        raise GreycardError(f"{place} cannot be written: {there} is not a folder", hint="name another place")
    if there != folder and not may_be_missing:
        raise GreycardError(f"the folder of {place} does not exist", hint="create it first, or name another place")
    if not os.access(there, os.W_OK | os.X_OK):
        raise GreycardError(f"{place} cannot be written: {there} may not be written to", hint="name another place")


def write_output(place: Path, content: str | bytes) -> None:
    """Write a file that `expect_output` has looked at: whole, through links, into pipes and devices.

    Args:
        place: the file; its folder is created.
        content: carries Greycard's mark; text is written as UTF-8.
    """
    place.absolute().parent.mkdir(parents=True, exist_ok=True)
    if place.exists() and not _is_file(place):
        data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
        with place.open("wb") as stream:
            stream.write(data)
    else:
        atomic_write(Path(os.path.realpath(place)), content)


def made_by_greycard(place: Path, mark: str = "") -> bool:
    """Whether a page or a PNG is one of Greycard's, by the mark in it.

    Args:
        place: a file.
        mark: what must be in it besides, such as a PNG's `Source`.
    """
    try:
        with place.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    return any(known in head for known in _MARKS) and mark.encode() in head


def _is_written_anew(place: Path) -> bool:
    return not place.stat().st_size or made_by_greycard(place)


def _is_file(place: Path) -> bool:
    try:
        return stat.S_ISREG(place.stat().st_mode)
    except OSError:
        return False
