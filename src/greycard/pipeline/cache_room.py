"""The cache's folder: how large it may grow, what goes when there is no room, and what dead processes left in it.

ROOT/.lock                 held while folders come and go, so that two processes never make room for the same bytes
ROOT/KIND/KEY/             an entry; a folder under this name is always whole
ROOT/KIND/.building-…/     an entry being made or removed; whoever makes it holds its `lock` until it has its name
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
"""The environment variable: the most that all entries together may take, in GB (10⁹ bytes); 0 for no cache."""

DEFAULT_LIMIT_GB = 20.0
KEEP_FREE_BYTES = 10**9
"""What the cache leaves free on its disk, whatever the limit."""

_LOCK, _BUILDING = "lock", ".building-"


class NoRoomError(Exception):
    """The cache cannot take this; the message says why, as the end of a sentence."""


def limit_bytes() -> int:
    """The most bytes that all entries together may take.

    Raises:
        GreycardError: `GREYCARD_CACHE_LIMIT` is no such number.
    """
    words = os.environ.get(LIMIT, "").strip()
    try:
        gigabytes = float(words) if words else DEFAULT_LIMIT_GB
    except ValueError:
        gigabytes = math.nan
    if not (math.isfinite(gigabytes) and gigabytes >= 0):
        raise GreycardError(
            f"{LIMIT} must be a number of GB that is not negative. Received: {words!r}",
            hint=f"{LIMIT}={DEFAULT_LIMIT_GB:g} is the default; 0 keeps nothing",
        )
    return int(gigabytes * 1e9)


def locked(root: Path) -> AbstractContextManager[None]:
    """Nobody else makes, names or removes a folder in the cache inside this block."""
    return locks.locked(root / ".lock")


def entry_folders(root: Path, kind: str = "*") -> list[Path]:
    """The folders under their final names, in no order."""
    found = [folder for folder in root.glob(f"{kind}/*") if not folder.name.startswith(_BUILDING)]
    return [folder for folder in found if _file_names(folder) and _is_ours(folder)]


def last_used(folder: Path) -> float:
    """When an entry was made or last used, in seconds since 1970; 0 where it does not say."""
    try:
        return (folder / ENTRY).stat().st_mtime
    except OSError:
        return 0.0


def folder_bytes(folder: Path) -> int:
    """What the folder's files take; one that goes meanwhile takes nothing."""
    total = 0
    for path in folder.glob("*"):
        with suppress(OSError):
            total += path.stat().st_size
    return total


def make_room(root: Path, needed: int, limit: int) -> None:
    """Remove the least recently used entries until `needed` more bytes fit. Call it inside `locked`.

    Raises:
        NoRoomError: they would not fit into an empty cache either; nothing is removed then.
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
    """A folder to make the entry `folder` in, and the open lock that tells others to leave it. Inside `locked`."""
    building = _beside(folder)
    building.mkdir(parents=True)
    lock = (building / _LOCK).open("wb")
    locks.try_lock(lock)
    return building, lock


def publish(building: Path, lock: IO[bytes], folder: Path) -> None:
    """Give a whole entry its name, unless another process was faster: then that one's stays. Inside `locked`."""
    lock.close()
    (building / _LOCK).unlink()
    if not folder.exists():
        os.rename(building, folder)


def remove(folder: Path) -> None:
    """Take an entry out at once, so that nobody meets half of it, then its files. Inside `locked`.

    Who has its array mapped can read on: the system keeps the bytes until the last map is closed.
    """
    gone = _beside(folder)
    os.rename(folder, gone)
    shutil.rmtree(gone, ignore_errors=True)


def sweep(root: Path) -> int:
    """Remove what processes that were killed left behind; returns its bytes. Inside `locked`."""
    abandoned = [folder for folder in _building_folders(root) if _is_abandoned(folder)]
    freed = sum(map(folder_bytes, abandoned))
    for folder in abandoned:
        shutil.rmtree(folder, ignore_errors=True)
    return freed


def _beside(folder: Path) -> Path:
    """A name for what is no entry yet or no more; the process number is for people, the rest tells threads apart."""
    return folder.with_name(f"{_BUILDING}{folder.name}-{os.getpid()}-{secrets.token_hex(4)}")


def _building_folders(root: Path) -> list[Path]:
    return [folder for folder in root.glob(f"*/{_BUILDING}*") if _is_ours(folder)]


def _is_ours(folder: Path) -> bool:
    """Whether nothing else lies in it: a cache folder that someone keeps other things in must not cost them these."""
    names = _file_names(folder)
    return names is not None and names <= {ARRAY, ENTRY, _LOCK}


def _file_names(folder: Path) -> set[str] | None:
    """What lies in a folder; None where it is no folder, has gone or is closed to us."""
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
    except PermissionError:  # another user's, who will see to it
        return False
