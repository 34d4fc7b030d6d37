"""One entry of the cache on the disk: a folder with `array.npy` and `entry.json`, with checks for damage."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from greycard.core.atomic_files import sync
from greycard.core.threads import thread_pool

SCHEMA = 2
"""The version of `entry.json`; an entry with another version is computed again."""

_EARLIER = range(1, SCHEMA)

ARRAY, ENTRY = "array.npy", "entry.json"

_CHUNK = 4 << 20


class DamagedEntryError(Exception):
    """The folder is not a complete entry; the message says why, in a few words."""


class OtherVersionError(DamagedEntryError):
    """The entry is from another version of Greycard; nothing is wrong with the disk."""


@dataclass(frozen=True)
class EntrySpec:
    """What a usable entry must be: its folder, its array's shape and dtype, and a description."""

    folder: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    about: str

    @property
    def bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


@dataclass(frozen=True)
class Record:
    """The content of `entry.json`: shape and dtype of the array, size and digest of its file, and the stored facts.

    `seal` is the digest of all other fields, so that a change of any byte in either file is detected.
    """

    schema: int
    about: str
    created: str
    shape: list[int]
    dtype: str
    bytes: int
    digest: str
    facts: dict[str, Any]
    seal: str = ""

    @property
    def true_seal(self) -> str:
        rest = {name: value for name, value in asdict(self).items() if name != "seal"}
        return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def create_array(folder: Path, wanted: EntrySpec) -> None:
    """Create an `array.npy` of zeros in `folder`.

    Raises:
        OSError: the disk is full. The space is reserved here, because a write to a mapped file on a full disk would
            kill the process with SIGBUS instead of raising an error.
    """
    array = np.lib.format.open_memmap(folder / ARRAY, mode="w+", dtype=wanted.dtype, shape=wanted.shape)
    array.flush()
    with (folder / ARRAY).open("r+b") as file:
        reserve_space(file.fileno(), os.fstat(file.fileno()).st_size)


def reserve_space(file: int, count: int) -> None:
    """Reserve disk space for the first `count` bytes of an open file, if the system supports that."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, count)


def open_array(folder: Path, mode: str = "r") -> np.memmap:
    """The folder's array, mapped for reading, or with "r+" for writing."""
    return np.lib.format.open_memmap(folder / ARRAY, mode=mode)


def write_record(folder: Path, wanted: EntrySpec, facts: dict[str, Any]) -> None:
    """Complete the entry: first the array is synced to the disk, then the record is written and synced."""
    sync(folder / ARRAY)
    size = (folder / ARRAY).stat().st_size
    now = datetime.now(UTC).isoformat(timespec="seconds")
    kept = json.loads(json.dumps(facts))  # as it will be read
    record = Record(
        SCHEMA, wanted.about, now, list(wanted.shape), wanted.dtype.str, size, _digest(folder / ARRAY), kept
    )
    sealed = replace(record, seal=record.true_seal)
    (folder / ENTRY).write_text(json.dumps(asdict(sealed)), encoding="utf-8")
    sync(folder / ENTRY)


def read_record(folder: Path) -> Record:
    """Read an entry's record.

    Raises:
        DamagedEntryError: the record cannot be read, or the array's file is missing or has another size.
    """
    try:
        content = json.loads((folder / ENTRY).read_text(encoding="utf-8"))
        if isinstance(content, dict) and content.get("schema") in _EARLIER:
            raise OtherVersionError(f"{ENTRY} is from an earlier Greycard")
        record = Record(**content)
        size = (folder / ARRAY).stat().st_size
    except OSError as error:
        raise DamagedEntryError(f"{Path(error.filename or ENTRY).name}: {error.strerror}") from error
    except (ValueError, TypeError) as error:  # not JSON, not an object, or other keys
        raise DamagedEntryError(f"{ENTRY} is not in this Greycard's format") from error
    if record.schema != SCHEMA or not isinstance(record.facts, dict):
        raise DamagedEntryError(f"{ENTRY} is not in this Greycard's format")
    if record.seal != record.true_seal:
        raise DamagedEntryError(f"{ENTRY} has changed since it was written")
    if size != record.bytes:
        raise DamagedEntryError(f"{ARRAY} has {size:,} bytes where {ENTRY} says {record.bytes:,}")
    return record


def open_entry(wanted: EntrySpec, *, just_written: bool = False) -> tuple[np.ndarray, dict[str, Any]]:
    """Open an entry: its array, mapped read-only, and its facts; this updates the time of last use.

    Args:
        wanted: what the entry must be.
        just_written: True if this process has just written it, so that it need not be hashed again.

    Raises:
        DamagedEntryError: it is incomplete, has changed, or has another shape or dtype.
    """
    record = read_record(wanted.folder)
    if not just_written and _digest(wanted.folder / ARRAY) != record.digest:
        raise DamagedEntryError(f"{ARRAY} has changed since it was written")
    try:
        array = open_array(wanted.folder)
    except Exception as error:  # a damaged header raises errors of many types
        raise DamagedEntryError(f"{ARRAY} cannot be opened") from error
    if (array.shape, array.dtype) != (wanted.shape, wanted.dtype):
        raise DamagedEntryError(f"{ARRAY} is {array.dtype} {array.shape}, not {wanted.dtype} {wanted.shape}")
    with suppress(OSError):  # a read-only cache can still be used
        os.utime(wanted.folder / ENTRY)
    return array, record.facts


def _digest(path: Path) -> str:
    """SHA-256 over the SHA-256 of each chunk of the file: it uses all cores and only a few chunks of memory.

    Raises:
        DamagedEntryError: the file cannot be read.
    """

    def of_chunk(start: int) -> bytes:
        with path.open("rb") as file:
            file.seek(start)
            return hashlib.sha256(file.read(_CHUNK)).digest()

    try:
        with thread_pool() as pool:
            chunks = pool.map(of_chunk, range(0, path.stat().st_size, _CHUNK))
            return hashlib.sha256(b"".join(chunks)).hexdigest()
    except OSError as error:
        raise DamagedEntryError(f"{ARRAY}: {error.strerror}") from error
