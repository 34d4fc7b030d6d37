"""Arrays kept between runs, found by the digest of all that they were made from: decoded pixels, backbone features.

An entry never changes: other files, another size or another version is another key. What is not there, is damaged or
has no room is simply made again, so that nothing but time depends on this cache (docs/cache.md).
"""

from __future__ import annotations

import mmap
import shutil
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from greycard.core.errors import GreycardWarning
from greycard.core.paths import cache_dir
from greycard.pipeline import cache_room
from greycard.pipeline.cache_entry import (
    DamagedEntryError,
    OtherVersionError,
    Wanted,
    create_array,
    open_array,
    open_entry,
    read_record,
    take_room,
    write_record,
)
from greycard.pipeline.cache_room import NoRoomError

IN_MEMORY_BYTES = 256 << 20
"""What is larger stays in a file that is mapped into memory."""

DROP_BYTES = 16 << 20
"""Pages of a mapped array are given back after so much was read or written, so that memory does not grow with it."""

Fill = Callable[[np.ndarray], dict[str, Any]]
_Made = tuple[np.ndarray, dict[str, Any]]


@dataclass(frozen=True)
class Entry:
    """What `greycard cache` lists.

    Attributes:
        kind: what such arrays are: pixels, features.
        key: the digest of what it was made from.
        about: the same in words.
        shape: of the array.
        bytes: of its file.
        created: when, in UTC, as in ISO 8601.
        used: when it was last used, in seconds since 1970.
    """

    kind: str
    key: str
    about: str
    shape: tuple[int, ...]
    bytes: int
    created: str
    used: float


def cached_array(
    kind: str, key: str, *, shape: tuple[int, ...], dtype: str, about: str, fill: Fill
) -> tuple[np.ndarray, dict[str, Any], bool]:
    """The array stored under (kind, key), made by `fill` where it is not there yet.

    Where it cannot be kept (no room, no permission), a warning says why and it is made all the same: in memory up to
    `IN_MEMORY_BYTES`, in a temporary file beyond.

    Args:
        kind: a word, the name of a folder.
        key: a digest of everything that the array depends on.
        shape: of the array.
        dtype: of the array, by NumPy's name.
        about: what it is, for people: `2,000 images in pets/train`.
        fill: writes every row of a writable array and returns a small JSON-able dict of facts kept with it.

    Returns:
        The array, read-only and mapped into memory; the facts; whether it was there.

    Raises:
        GreycardError: `GREYCARD_CACHE` or `GREYCARD_CACHE_LIMIT` is no such thing; and whatever `fill` raises, after
            which nothing is kept.
    """
    root, limit = cache_dir(), cache_room.limit_bytes()
    wanted = Wanted(root / kind / key, shape, np.dtype(dtype), about)
    if limit == 0:
        return *_made_without_cache(wanted, fill), False
    try:
        found = _found(wanted) or _found_or_room_made(root, wanted, limit)
    except (OSError, NoRoomError) as error:
        _say_not_kept(wanted, error)
        return *_made_without_cache(wanted, fill), False
    if isinstance(found, _Building):
        return *_built(root, found, wanted, fill), False
    return *found, True


def entries() -> list[Entry]:
    """What the cache holds, what was used last first; damaged entries are not in it."""
    found = []
    for folder in cache_room.entry_folders(cache_dir()):
        with suppress(DamagedEntryError):
            said, used = read_record(folder), cache_room.last_used(folder)
            about = (folder.parent.name, folder.name, said.about, tuple(said.shape), said.bytes, said.created)
            found.append(Entry(*about, used))
    return sorted(found, key=lambda entry: -entry.used)


def clear(kind: str | None = None) -> int:
    """Remove all entries, or those of one kind, and what killed processes left; returns the bytes freed.

    Raises:
        OSError: the folder may not be changed.
    """
    root = cache_dir()
    if not root.is_dir():
        return 0
    with cache_room.locked(root):
        folders = cache_room.entry_folders(root, kind or "*")
        freed = cache_room.sweep(root) + sum(map(cache_room.folder_bytes, folders))
        for folder in folders:
            cache_room.remove(folder)
    return freed


def drop_pages(array: np.ndarray) -> None:
    """Let the system take back the memory of a mapped array's pages; they are read from the file again when needed.

    Without it resident memory grows with what has been read. Nothing happens to an array that is no mapped file, and on
    a system that cannot do it.
    """
    mapped = array
    while isinstance(mapped.base, np.ndarray):
        mapped = mapped.base
    pages = mapped.base
    # A copy-on-write map keeps its changes in these pages only, and an anonymous one everything.
    is_file = isinstance(mapped, np.memmap) and mapped.mode != "c"
    if is_file and isinstance(pages, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)


@dataclass(frozen=True)
class _Building:
    """A folder with an array to fill, and the lock that keeps others from taking it for a dead process's."""

    folder: Path
    lock: IO[bytes]


def _found(wanted: Wanted) -> _Made | None:
    try:
        return open_entry(wanted)
    except DamagedEntryError:  # or not there, or on its way out: the look inside the lock tells
        return None


def _found_or_room_made(root: Path, wanted: Wanted, limit: int) -> _Made | _Building:
    """Another process's entry, finished while this one waited for the lock, or a folder to fill."""
    with cache_room.locked(root):
        if wanted.folder.exists():
            try:
                return open_entry(wanted)
            except DamagedEntryError as error:
                if not isinstance(error, OtherVersionError):
                    _say(f"what was kept of {wanted.about} is damaged ({error}) and is made anew")
                cache_room.remove(wanted.folder)
        cache_room.sweep(root)
        cache_room.make_room(root, wanted.bytes, limit)
        building = _Building(*cache_room.claim(wanted.folder))
        try:
            create_array(building.folder, wanted)
        except OSError:
            _discard(building)
            raise
        return building


def _built(root: Path, building: _Building, wanted: Wanted, fill: Fill) -> _Made:
    """Fill, write what is known of it, and only then give it its name. Whatever goes wrong, nothing half is left."""
    try:
        facts = _filled(building.folder, fill)
        try:
            write_record(building.folder, wanted, facts)
            with cache_room.locked(root):
                cache_room.publish(building.folder, building.lock, wanted.folder)
            return open_entry(wanted, just_written=True)
        except (OSError, DamagedEntryError) as error:  # the work is done: it is used, though not kept
            _say_not_kept(wanted, error)
            return open_array(building.folder), facts
    finally:
        _discard(building)


def _filled(folder: Path, fill: Fill) -> dict[str, Any]:
    """The facts; the map is closed on return, without which Windows would not rename the folder."""
    array = open_array(folder, "r+")
    facts = fill(array)
    array.flush()
    return facts


def _discard(building: _Building) -> None:
    """Nothing is left to remove where it was published."""
    building.lock.close()
    shutil.rmtree(building.folder, ignore_errors=True)


def _made_without_cache(wanted: Wanted, fill: Fill) -> _Made:
    array = _room_for(wanted)
    facts = fill(array)
    array.flags.writeable = False
    return array, facts


def _room_for(wanted: Wanted) -> np.ndarray:
    if wanted.bytes <= IN_MEMORY_BYTES:
        return np.empty(wanted.shape, dtype=wanted.dtype)
    with tempfile.TemporaryFile() as file:  # the map keeps the pages; nothing is left behind
        take_room(file.fileno(), wanted.bytes)
        return np.memmap(file, dtype=wanted.dtype, mode="w+", shape=wanted.shape)


def _say_not_kept(wanted: Wanted, error: Exception) -> None:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
    _say(f"{wanted.about}: this is not kept for the next run, because {where}{why}")


def _say(sentence: str) -> None:
    warnings.warn(sentence, GreycardWarning, stacklevel=2)
