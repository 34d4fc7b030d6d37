"""File locks that the operating system releases when the process that holds them ends, even if it is killed.

A process ID in a file's name is not a safe lock: systems reuse IDs, and two containers that share a folder can have the
same IDs.
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
        """Lock this open file until it is closed; False if another process or thread holds the lock."""
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def try_lock(file: IO[bytes]) -> bool:
        """Lock this open file until it is closed; False if another process or thread holds the lock.

        Raises:
            OSError: the file system does not support locks.
        """
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on the file at `path`; create the file if it is missing, and wait for other holders.

    Raises:
        OSError: the file cannot be created, or the file system does not support locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        while not try_lock(file):
            time.sleep(_SECONDS_BETWEEN_TRIES)
        yield
