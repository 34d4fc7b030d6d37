"""Claims: of all processes that share a folder, one at a time trains a run or predicts a shard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from greycard.core import locks

CLAIMS = "claims"
"""The folder with the locks of processes that share a folder; it is removed when there is nothing left to do."""


@contextmanager
def claimed(folder: Path, name: str, otherwise: bool) -> Iterator[bool]:
    """Whether this process has the claim on a unit within the block.

    The system releases the lock of a process that ends, even if it is killed, so that others can continue its unit.

    Args:
        folder: that all processes share.
        name: of the unit.
        otherwise: the answer on a file system without locks.
    """
    place = folder / CLAIMS / f"{name}.lock"
    while True:
        place.parent.mkdir(exist_ok=True)
        try:
            file = place.open("ab")
        except FileNotFoundError:  # another process has removed the folder in this moment
            continue
        with file:
            mine = _locked(file, otherwise)
            if mine and not _is_at(file, place):
                continue
            try:
                yield mine
            finally:
                if mine:
                    with suppress(OSError):  # Windows removes no open file
                        place.unlink()
            return


def remove_claims(folder: Path) -> None:
    """Remove the locks that killed processes have left, when there is nothing left to do."""
    for place in (folder / CLAIMS).glob("*.lock"):
        with suppress(OSError), place.open("ab") as file:
            if locks.try_lock(file):
                place.unlink()
    with suppress(OSError):
        (folder / CLAIMS).rmdir()


def _locked(file: IO[bytes], otherwise: bool) -> bool:
    try:
        return locks.try_lock(file)
    except OSError:
        return otherwise


def _is_at(file: IO[bytes], place: Path) -> bool:
    """Whether the file is still the one at its place; a lock on a file that was removed excludes nobody."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), place.stat())
    except OSError:
        return False
