"""The cache's folder: its size limit, the eviction of old entries, and the removal of dead processes' leftovers.

ROOT/.lock                 held while folders are created or removed, so that two processes never use the same space
ROOT/KIND/KEY/             an entry; a folder with such a name is always complete
ROOT/KIND/.building-…/     an entry being written or removed; its writer holds `lock` in it until the rename
"""

from __future__ import annotations

import math
import os
import secrets
import shutil
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO

from greycard.core import locks
from greycard.core.errors import GreycardError
from greycard.pipeline.cache_entry import ARRAY, ENTRY

LIMIT = "GREYCARD_CACHE_LIMIT"
"""The environment variable with the maximum size of all entries in GB (10⁹ bytes); 0 turns the cache off."""

DEFAULT_LIMIT_GB = 20.0
KEEP_FREE_BYTES = 10**9
"""The space that the cache always leaves free on its disk."""

_LOCK, _BUILDING = "lock", ".building-"


class NoRoomError(Exception):
    """The cache has no space for an entry; the message says why, as the end of a sentence."""


def limit_bytes() -> int:
    """The maximum size of all entries in bytes.

    Raises:
        GreycardError: `GREYCARD_CACHE_LIMIT` is not a number of at least 0.
    """
    words = os.environ.get(LIMIT, "").strip()
    try:
        gigabytes = float(words) if words else DEFAULT_LIMIT_GB
    except ValueError:
        gigabytes = math.nan
    if not (math.isfinite(gigabytes) and gigabytes >= 0):
        raise GreycardError(
            f"{LIMIT} must be a number of GB that is not negative. Received: {words!r}",
            hint=f"for example {LIMIT}={DEFAULT_LIMIT_GB:g}, the default; 0 turns the cache off",
        )
    return int(gigabytes * 1e9)


def locked(root: Path) -> AbstractContextManager[None]:
    """In this block, no other process creates, renames or removes a folder of the cache."""
    return locks.locked(root / ".lock")


def entry_folders(root: Path, kind: str = "*") -> list[Path]:
    """The folders with their final names, in no particular order."""
    found = [folder for folder in root.glob(f"{kind}/*") if not folder.name.startswith(_BUILDING)]
    return [folder for folder in found if _file_names(folder) and _is_ours(folder)]


def last_used(folder: Path) -> float:
    """When an entry was created or last used, in seconds since 1970; 0 if unknown."""
    try:
        return (folder / ENTRY).stat().st_mtime
    except OSError:
        return 0.0


def folder_bytes(folder: Path) -> int:
    """The size of the folder's files; a file that is removed meanwhile counts as 0."""
    total = 0
    for path in folder.glob("*"):
        with suppress(OSError):
            total += path.stat().st_size
    return total


def make_room(root: Path, needed: int, limit: int) -> None:
    """Remove the least recently used entries until `needed` more bytes fit. Call it inside `locked`.

    Raises:
        NoRoomError: they would not even fit into an empty cache; then nothing is removed.
    """
    sizes = {folder: folder_bytes(folder) for folder in sorted(entry_folders(root), key=last_used)}
    building = sum(map(folder_bytes, _building_folders(root)))
    total = sum(sizes.values()) + building
    most = min(limit, total + shutil.disk_usage(root).free - KEEP_FREE_BYTES)
    if needed > most - building:
        why = f"more than {LIMIT}={limit / 1e9:g}" if needed > limit else "and the disk is nearly full"
        raise NoRoomError(f"it takes {needed / 1e9:.3g} GB, {why}")
    for folder, size in sizes.items():
        if total + needed <= most:
            return
        remove(folder)
        total -= size


def claim(folder: Path) -> tuple[Path, IO[bytes]]:
    """Create a folder to write the entry `folder` in, and a lock that protects it. Call it inside `locked`."""
    building = _temporary_name(folder)
    building.mkdir(parents=True)
    lock = (building / _LOCK).open("wb")
    locks.try_lock(lock)
    return building, lock


def publish(building: Path, lock: IO[bytes], folder: Path) -> None:
    """Rename a complete entry, unless another process was faster: then that entry stays. Call it inside `locked`."""
    lock.close()
    (building / _LOCK).unlink()
    if not folder.exists():
        os.rename(building, folder)


def remove(folder: Path) -> None:
    """Rename an entry first, so that no process sees half of it, then delete its files. Call it inside `locked`.

    A process that has mapped its array can still read it: the system keeps the bytes until the last map is closed.
    """
    gone = _temporary_name(folder)
    os.rename(folder, gone)
    shutil.rmtree(gone, ignore_errors=True)


def sweep(root: Path) -> int:
    """Remove the leftovers of killed processes; returns the bytes freed. Call it inside `locked`."""
    abandoned = [folder for folder in _building_folders(root) if _is_abandoned(folder)]
    freed = sum(map(folder_bytes, abandoned))
    for folder in abandoned:
        shutil.rmtree(folder, ignore_errors=True)
    return freed


def _temporary_name(folder: Path) -> Path:
    """A name for an unfinished or removed entry; the process ID informs people, the rest makes it unique."""
    return folder.with_name(f"{_BUILDING}{folder.name}-{os.getpid()}-{secrets.token_hex(4)}")


def _building_folders(root: Path) -> list[Path]:
    return [folder for folder in root.glob(f"*/{_BUILDING}*") if _is_ours(folder)]


def _is_ours(folder: Path) -> bool:
    """Whether the folder contains only Greycard's files: other files in the cache folder must not be deleted."""
    names = _file_names(folder)
    return names is not None and names <= {ARRAY, ENTRY, _LOCK}


def _file_names(folder: Path) -> set[str] | None:
    """The names in a folder; None if it is not a folder, was removed or is not readable."""
    try:
        return set(os.listdir(folder))
    except OSError:
        return None


def _is_abandoned(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("rb") as file:
            return locks.try_lock(file)
    except FileNotFoundError:
        return True
    except PermissionError:  # it belongs to another user, whose processes will remove it
        return False
