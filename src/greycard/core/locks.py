"""Locks on files that the system lets go of when the process that holds them dies, however it dies.

A process number in a file's name would not do: numbers are given out again, and two containers that share a folder have
the same ones.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_SECONDS_BETWEEN_TRIES = 0.02

if sys.platform == "win32":
    import msvcrt

    def try_lock(file: IO[bytes]) -> bool:
        """Whether this open file could be locked, until it is closed; False where someone else has it."""
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def try_lock(file: IO[bytes]) -> bool:
        """Whether this open file could be locked, until it is closed; False where someone else has it.

        Raises:
            OSError: the file system has no locks.
        """
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Have the file at `path` alone, among threads and processes; it is made where it is missing, and waited for.

    Raises:
        OSError: it cannot be made, or the file system has no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        while not try_lock(file):
            time.sleep(_SECONDS_BETWEEN_TRIES)
        yield
