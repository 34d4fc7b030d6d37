"""Claims: of all processes that share a sweep's folder, one at a time trains a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from greycard.core import locks
from greycard.core.atomic_files import remove
from greycard.runs.sweep import CLAIMS


@contextmanager
def claimed(folder: Path, name: str, otherwise: bool) -> Iterator[bool]:
    """Whether this process has the claim on a run within the block.

    The system releases the lock of a process that ends, even if it is killed, so that others can continue its run.

    Args:
        folder: of the sweep.
        name: of the run.
        otherwise: the answer on a file system without locks.
    """
    place = folder / CLAIMS / f"{name}.lock"
    place.parent.mkdir(exist_ok=True)
    with place.open("ab") as file:
        try:
            mine = locks.try_lock(file)
        except OSError:
            mine = otherwise
        yield mine


def remove_claims(folder: Path) -> None:
    """Remove the files of a sweep whose runs are all finished; a process that still has one finds its run finished."""
    with suppress(OSError):
        remove(folder / CLAIMS)
