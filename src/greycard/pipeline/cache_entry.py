"""One entry of the cache on the disk: a folder with `array.npy` and `entry.json`, whole or told to be damaged."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from greycard.core.atomic_files import sync

SCHEMA = 2
"""The version of `entry.json`; an entry of another one is made anew."""

_EARLIER = range(1, SCHEMA)

ARRAY, ENTRY = "array.npy", "entry.json"

_CHUNK = 4 << 20


class DamagedEntryError(Exception):
    """This folder is no whole entry; the message says why, in a few words."""


class OtherVersionError(DamagedEntryError):
    """Whole or not, it is another Greycard's; nothing is wrong with the disk."""


@dataclass(frozen=True)
class Wanted:
    """What an entry must hold to be used: where it lies, its array's shape and dtype, and what it is, in words."""

    folder: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    about: str

    @property
    def bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


@dataclass(frozen=True)
class Record:
    """What `entry.json` says: shape and dtype of the array, bytes and digest of its file, the facts kept with it.

    `seal` is the digest of all the rest, so that no byte of either file can change unnoticed.
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


def create_array(folder: Path, wanted: Wanted) -> None:
    """An `array.npy` of zeros in `folder`.

    Raises:
        OSError: the disk is full. Its room is taken here, where that is a sentence: a mapped file that the disk has no
            room for ends the process with a SIGBUS once it is written to.
    """
    array = np.lib.format.open_memmap(folder / ARRAY, mode="w+", dtype=wanted.dtype, shape=wanted.shape)
    array.flush()
    with (folder / ARRAY).open("r+b") as file:
        take_room(file.fileno(), os.fstat(file.fileno()).st_size)


def take_room(file: int, count: int) -> None:
    """Have the disk set aside the first `count` bytes of an open file, where the system can."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, count)


def open_array(folder: Path, mode: str = "r") -> np.memmap:
    """The folder's array, mapped: to read, or with "r+" to write."""
    return np.lib.format.open_memmap(folder / ARRAY, mode=mode)


def write_record(folder: Path, wanted: Wanted, facts: dict[str, Any]) -> None:
    """Make the entry whole: the array is on the disk before the record says so, and both are when this returns."""
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
    """What the entry says of itself.

    Raises:
        DamagedEntryError: it cannot be read, or its array's file is missing or has another size.
    """
    try:
        said = json.loads((folder / ENTRY).read_text(encoding="utf-8"))
        if isinstance(said, dict) and said.get("schema") in _EARLIER:
            raise OtherVersionError(f"{ENTRY} is an earlier Greycard's")
        record = Record(**said)
        size = (folder / ARRAY).stat().st_size
    except OSError as error:
        raise DamagedEntryError(f"{Path(error.filename or ENTRY).name}: {error.strerror}") from error
    except (ValueError, TypeError) as error:  # no JSON, no object, or one with other keys
        raise DamagedEntryError(f"{ENTRY} is not one of this Greycard's") from error
    if record.schema != SCHEMA or not isinstance(record.facts, dict):
        raise DamagedEntryError(f"{ENTRY} is not one of this Greycard's")
    if record.seal != record.true_seal:
        raise DamagedEntryError(f"{ENTRY} has changed since it was written")
    if size != record.bytes:
        raise DamagedEntryError(f"{ARRAY} has {size:,} bytes where {ENTRY} says {record.bytes:,}")
    return record


def open_entry(wanted: Wanted, *, just_written: bool = False) -> tuple[np.ndarray, dict[str, Any]]:
    """The array, mapped read-only, and its facts; the entry now counts as used.

    Args:
        wanted: what it must be.
        just_written: by this process, which has no need to hash it once more.

    Raises:
        DamagedEntryError: it is not whole, has changed, or is not of the wanted shape and dtype.
    """
    record = read_record(wanted.folder)
    if not just_written and _digest(wanted.folder / ARRAY) != record.digest:
        raise DamagedEntryError(f"{ARRAY} has changed since it was written")
    try:
        array = open_array(wanted.folder)
    except Exception as error:  # a damaged header raises nearly anything
        raise DamagedEntryError(f"{ARRAY} cannot be opened") from error
    if (array.shape, array.dtype) != (wanted.shape, wanted.dtype):
        raise DamagedEntryError(f"{ARRAY} is {array.dtype} {array.shape}, not {wanted.dtype} {wanted.shape}")
    with suppress(OSError):  # a cache that may only be read is still good to read
        os.utime(wanted.folder / ENTRY)
    return array, record.facts


def _digest(path: Path) -> str:
    """SHA-256 over the SHA-256 of each chunk of the file, hashed on all cores without holding more than a few chunks.

    Raises:
        DamagedEntryError: the file cannot be read.
    """

    def of_chunk(start: int) -> bytes:
        with path.open("rb") as file:
            file.seek(start)
            return hashlib.sha256(file.read(_CHUNK)).digest()

    try:
        with ThreadPoolExecutor() as pool:
            chunks = pool.map(of_chunk, range(0, path.stat().st_size, _CHUNK))
            return hashlib.sha256(b"".join(chunks)).hexdigest()
    except OSError as error:
        raise DamagedEntryError(f"{ARRAY}: {error.strerror}") from error
