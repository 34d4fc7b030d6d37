"""Files written whole: under a draft's name first, and under their own once they are on the disk."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_DRAFT = ".incomplete-"
_DRAFTS = f"{_DRAFT}{'[0-9a-f]' * 8}-*"
_NAME_END = 40
"""Characters of the name that a draft keeps: file systems take 255 bytes."""


@contextmanager
def atomic_path(place: Path, *, replaces_folder: bool = False) -> Iterator[Path]:
    """A name beside `place` to write a file or a folder to; it takes the place when the block ends well.

    Whoever looks at a file's `place` sees what was there before or all of the new, also after a kill or a power cut; a
    folder that replaces another is missing for a moment. Each draft has a name of its own, so that two writers never
    mix; it keeps the ending, which some libraries insist on.

    Args:
        place: a file of Greycard's own, or nothing yet. `output_files` looks at what a user names.
        replaces_folder: the caller knows that a folder there is Greycard's own; any other folder is never replaced.

    Raises:
        OSError: a folder is there, no room, no permission; what was at `place` is still there.
    """
    draft = place.with_name(f"{_DRAFT}{secrets.token_hex(4)}-{place.name[-_NAME_END:]}")
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
    """An OSError in this block names `place`: a full disk is told without a name, a draft by one that nobody knows."""
    try:
        yield
    except OSError as error:
        if error.errno and (error.filename is None or error.filename == str(draft)):
            error.filename, error.filename2 = str(place), None
        raise


def atomic_write(place: Path, content: str | bytes) -> None:
    """A small file, whole; text as UTF-8, names that are no valid text spelled with backslashes."""
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    with atomic_path(place) as draft:
        draft.write_bytes(data)


def remove_drafts(folder: Path) -> None:
    """What writers that were killed left in `folder`; call it where no other writer is at work."""
    for draft in folder.glob(_DRAFTS):
        remove(draft)


def remove(place: Path) -> None:
    """A file or a folder gone, if it was there."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def _replace_folder(draft: Path, place: Path) -> None:
    """A folder cannot be renamed over another, so the earlier one is put aside for this moment."""
    aside = draft.with_name(f"{draft.name}.replaced")
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
    """Have the system write a file out, or a folder's names where it can do that."""
    if path.is_dir():
        with suppress(OSError):
            _sync_open(os.open(path, os.O_RDONLY))
    else:
        _sync_open(os.open(path, os.O_RDWR))  # Windows syncs only what may be written to


def _sync_open(file: int) -> None:
    try:
        os.fsync(file)
    finally:
        os.close(file)
