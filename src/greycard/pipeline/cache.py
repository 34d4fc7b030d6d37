"""A cache of arrays between runs: decoded pixels, backbone features, converted weights.

The key of an entry is the digest of everything that the array depends on, so an entry never changes: other files,
another size or another version have another key. An entry that is missing, damaged or does not fit is computed again,
so only time depends on this cache (docs/cache.md).
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
    EntrySpec,
    OtherVersionError,
    create_array,
    open_array,
    open_entry,
    read_record,
    reserve_space,
    write_record,
)
from greycard.pipeline.cache_room import NoRoomError

IN_MEMORY_BYTES = 256 << 20
"""Larger arrays stay in a file that is mapped into memory."""

DROP_BYTES = 16 << 20
"""After this many bytes, the pages of a mapped array are dropped, so that memory use does not grow with the array."""

Fill = Callable[[np.ndarray], dict[str, Any]]
_Cached = tuple[np.ndarray, dict[str, Any]]


@dataclass(frozen=True)
class Entry:
    """An entry, as `greycard cache` lists it.

    Attributes:
        kind: `pixels`, `features` or `weights`.
        key: digest of everything that the array depends on.
        about: a description for people.
        shape: the array's shape.
        bytes: the size of the array's file.
        created: when it was created, in UTC, as ISO 8601.
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
    """The array stored under (kind, key); computed with `fill` if it is missing.

    If it cannot be stored (disk full, no permission), a warning says why, and it is still computed: in memory up to
    `IN_MEMORY_BYTES`, else in a temporary file.

    Args:
        kind: a word, which is the name of a folder.
        key: digest of everything that the array depends on.
        shape: the array's shape.
        dtype: the array's dtype, by NumPy's name.
        about: a description for people, such as `2,000 images in pets/train`.
        fill: writes every row of a writable array and returns a small dict of facts, which is stored as JSON.

    Returns:
        The array, read-only and mapped into memory; the facts; True if it was cached.

    Raises:
        GreycardError: `GREYCARD_CACHE` or `GREYCARD_CACHE_LIMIT` is not valid. Errors of `fill` are passed on, and then
            nothing is stored.
    """
    root, limit = cache_dir(), cache_room.limit_bytes()
    wanted = EntrySpec(root / kind / key, shape, np.dtype(dtype), about)
    if limit == 0:
        return *_without_cache(wanted, fill), False
    try:
        found = _found(wanted) or _found_or_draft(root, wanted, limit)
    except (OSError, NoRoomError) as error:
        _warn_not_cached(wanted, error)
        return *_without_cache(wanted, fill), False
    if isinstance(found, _Draft):
        return *_built(root, found, wanted, fill), False
    return *found, True


def entries() -> list[Entry]:
    """The entries of the cache, the most recently used first, without damaged ones."""
    found = []
    for folder in cache_room.entry_folders(cache_dir()):
        with suppress(DamagedEntryError):
            record, used = read_record(folder), cache_room.last_used(folder)
            about = (folder.parent.name, folder.name, record.about, tuple(record.shape), record.bytes, record.created)
            found.append(Entry(*about, used))
    return sorted(found, key=lambda entry: -entry.used)


def clear(kind: str | None = None) -> int:
    """Remove all entries, or those of one kind, and leftovers of killed processes; returns the bytes freed.

    Raises:
        OSError: the folder is not writable.
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
    """Drop a mapped array's pages from memory; the system reads them from the file again when they are needed.

    Without this, resident memory grows with every page that was read. It does nothing for an array that is not a mapped
    file, and on systems without this feature.
    """
    mapped = array
    while isinstance(mapped.base, np.ndarray):
        mapped = mapped.base
    pages = mapped.base
    # A copy-on-write map keeps its changes in these pages only, and an anonymous one everything.
    is_file = isinstance(mapped, np.memmap) and mapped.mode != "c"
    if is_file and isinstance(pages, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)


def scratch_array(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array to fill: in memory up to `IN_MEMORY_BYTES`, else in a temporary file that ends with the array."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if size <= IN_MEMORY_BYTES:
        return np.empty(shape, dtype=dtype)
    with tempfile.TemporaryFile() as file:  # the map keeps the pages; nothing is left behind
        reserve_space(file.fileno(), size)
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape)


@dataclass(frozen=True)
class _Draft:
    """A folder with an array to fill, and a lock that shows other processes that this one is alive."""

    folder: Path
    lock: IO[bytes]


def _found(wanted: EntrySpec) -> _Cached | None:
    try:
        return open_entry(wanted)
    except DamagedEntryError:  # or missing, or being removed: the check inside the lock decides
        return None


def _found_or_draft(root: Path, wanted: EntrySpec, limit: int) -> _Cached | _Draft:
    """An entry that another process finished while this one waited for the lock, or a folder to fill."""
    with cache_room.locked(root):
        if wanted.folder.exists():
            try:
                return open_entry(wanted)
            except DamagedEntryError as error:
                if not isinstance(error, OtherVersionError):
                    _warn(f"the cached data of {wanted.about} is damaged ({error}); it is computed again")
                cache_room.remove(wanted.folder)
        cache_room.sweep(root)
        cache_room.make_room(root, wanted.bytes, limit)
        building = _Draft(*cache_room.claim(wanted.folder))
        try:
            create_array(building.folder, wanted)
        except OSError:
            _discard(building)
            raise
        return building


def _built(root: Path, building: _Draft, wanted: EntrySpec, fill: Fill) -> _Cached:
    """Fill the array, write its record, and then rename the folder. After any error nothing incomplete is left."""
    try:
        facts = _filled(building.folder, fill)
        try:
            write_record(building.folder, wanted, facts)
            with cache_room.locked(root):
                cache_room.publish(building.folder, building.lock, wanted.folder)
            return open_entry(wanted, just_written=True)
        except (OSError, DamagedEntryError) as error:  # the array is complete: use it, although it is not stored
            _warn_not_cached(wanted, error)
            return open_array(building.folder), facts
    finally:
        _discard(building)


def _filled(folder: Path, fill: Fill) -> dict[str, Any]:
    """Fill the array and return the facts; this closes the map, else Windows would not rename the folder."""
    array = open_array(folder, "r+")
    facts = fill(array)
    array.flush()
    return facts


def _discard(building: _Draft) -> None:
    """Remove the draft; after `publish` there is nothing left to remove."""
    building.lock.close()
    shutil.rmtree(building.folder, ignore_errors=True)


def _without_cache(wanted: EntrySpec, fill: Fill) -> _Cached:
    array = scratch_array(wanted.shape, wanted.dtype)
    facts = fill(array)
    array.flags.writeable = False
    return array, facts


def _warn_not_cached(wanted: EntrySpec, error: Exception) -> None:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
    _warn(f"{wanted.about}: not cached for the next run, because {where}{why}")


def _warn(sentence: str) -> None:
    warnings.warn(sentence, GreycardWarning, stacklevel=2)
