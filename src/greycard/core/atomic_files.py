"""Atomic writes: a file is written under a temporary name and renamed once it is on the disk."""

from __future__ import annotations

import errno
import fnmatch
import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_DRAFT = ".incomplete-"
_DRAFTS, _REPLACED = f"{_DRAFT}{'[0-9a-f]' * 8}-", ".replaced"
_NAME_END = 40
"""How many characters of the name a draft keeps: file systems allow at most 255 bytes."""


@contextmanager
def atomic_path(place: Path, *, replaces_folder: bool = False) -> Iterator[Path]:
    """A temporary path next to `place`; it is renamed to `place` if the block ends without an error.

    A reader of `place` sees either the old content or all of the new content, even after a kill or a power cut. A
    folder that replaces another one is missing for a moment. Every draft has a unique name, so two writers never mix.
    It keeps the file extension, because some libraries require it.

    Args:
        place: a file of Greycard, or a path that does not exist. For paths that a user chose, see `output_files`.
        replaces_folder: True if the folder at `place` is Greycard's own. No other folder is ever replaced.

    Raises:
        OSError: `place` is a folder, the disk is full, or permission is missing. What was at `place` is unchanged.
    """
    draft = _draft_of(place)
    try:
        with naming(place, draft):
            yield draft
            _to_disk(draft)
            if not place.is_dir():
                os.replace(draft, place)
            elif replaces_folder:
                _replace_folder(draft, place)
            else:
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(place))
            sync(place.parent)
    finally:
        remove(draft)


@contextmanager
def naming(place: Path, draft: Path | None = None) -> Iterator[None]:
    """Make an OSError in this block name `place`: a "disk full" error has no file name, others name the draft."""
    try:
        yield
    except OSError as error:
        if error.errno and (error.filename is None or error.filename == str(draft)):
            error.filename, error.filename2 = str(place), None
        raise


def atomic_write(place: Path, content: str | bytes) -> None:
    """Write a small file atomically; text as UTF-8, with backslash escapes for characters that UTF-8 cannot encode."""
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    with atomic_path(place) as draft:
        draft.write_bytes(data)


def is_draft(name: str) -> bool:
    """Whether a file has the name of a draft, which a killed writer may have left."""
    return fnmatch.fnmatchcase(name, f"{_DRAFTS}*")


def remove_drafts(folder: Path, name: str = "") -> None:
    """Remove the drafts of killed writers from `folder`. Call this only while nobody else writes there.

    Args:
        folder: the folder.
        name: of a file or folder whose drafts they are; by default all drafts are removed.
    """
    of = glob.escape(name[-_NAME_END:]) if name else "*"
    for pattern in (f"{_DRAFTS}{of}", f"{_DRAFTS}{of}{_REPLACED}"):
        for draft in folder.glob(pattern):
            remove(draft)


def remove(place: Path) -> None:
    """Delete a file or a folder, if it exists."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def remove_whole(folder: Path) -> None:
    """Delete a folder, whose path is free at once: a kill leaves a draft, and no folder with a part of the files."""
    draft = _draft_of(folder)
    os.replace(folder, draft)
    remove(draft)


def _draft_of(place: Path) -> Path:
    return place.with_name(f"{_DRAFT}{secrets.token_hex(4)}-{place.name[-_NAME_END:]}")


def _replace_folder(draft: Path, place: Path) -> None:
    """Systems cannot rename a folder over another one, so the old folder is moved away first."""
    aside = draft.with_name(f"{draft.name}{_REPLACED}")
    os.replace(place, aside)
    try:
        os.replace(draft, place)
    except OSError:
        os.replace(aside, place)
        raise
    remove(aside)


def _to_disk(draft: Path) -> None:
    for path in draft.rglob("*") if draft.is_dir() else [draft]:
        sync(path)


def sync(path: Path) -> None:
    """Write a file to the disk, or a folder's list of names if the system supports that."""
    if path.is_dir():
        with suppress(OSError):
            _sync_open(os.open(path, os.O_RDONLY))
    else:
        _sync_open(os.open(path, os.O_RDWR))  # Windows syncs only files opened for writing


def _sync_open(file: int) -> None:
    try:
        os.fsync(file)
    finally:
        os.close(file)
