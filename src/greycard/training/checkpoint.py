"""A checkpoint: all of a training's state in one file, whole, or known to be damaged.

A line that names the format's version, a line of JSON, the arrays as NumPy writes them, and last the SHA-256 of all
before it: no byte can change unnoticed. Nothing in it is ever run or unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from greycard.core.atomic_files import atomic_path, remove
from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardError, GreycardWarning
from greycard.core.records import from_json, to_json

KEPT = 2
"""Checkpoints of a run: the newest, and the one before it in case the disk damages that one. Beside them the newest
from before the epoch under way is kept, to go back to if the numbers go bad in it."""

_FORMAT, _VERSION = "greycard checkpoint", 2
_DIGEST_BYTES = hashlib.sha256().digest_size
_ENDING, _DAMAGED = ".checkpoint", ".damaged"


@dataclass
class TrainState:
    """How far a training has come.

    Attributes:
        data: the digest of what it learns from and is measured on.
        epoch: the epoch that is next or under way, counted from 0.
        batch: the batch of it that is next.
        history: every epoch before.
        best: the epoch, from 1, whose weights come last in the checkpoint; 0 where there are none.
        stopped: why training ended early; empty while it goes on.
        sums: running loss and accuracy of the epoch under way.
        epoch_seconds: spent on it so far.
        seconds: spent by the run so far, by part and `total`.
        resumed: how often the run was gone on with.
        backend: that computes.
        steps_per_execution: batches that go into one call.
    """

    data: str
    epoch: int = 0
    batch: int = 0
    history: list[Epoch] = field(default_factory=list)
    best: int = 0
    stopped: str = ""
    sums: dict[str, float] = field(default_factory=dict)
    epoch_seconds: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    resumed: int = 0
    backend: str = ""
    steps_per_execution: int = 1

    @property
    def place(self) -> str:
        """Where it is, in words."""
        after = f"after epoch {self.epoch}" if self.epoch else "at its beginning"
        return f"in epoch {self.epoch + 1}, after step {self.batch:,}" if self.batch else after


class BadNumbersError(Exception):
    """There is no sense in keeping this state: it has numbers that are none."""


class _DamagedError(Exception):
    """The file is no whole checkpoint; the message says why."""


def write_checkpoint(folder: Path, state: TrainState, arrays: Iterable[np.ndarray]) -> None:
    """Keep the state and let go of the ones before the last.

    Args:
        folder: of the run's checkpoints.
        state: where training is.
        arrays: all that training changes: weights, the optimizer's state, random states; then the best epoch's weights.

    Raises:
        OSError: it cannot be kept; the earlier ones are still there.
        BadNumbersError: some number is not finite.
    """
    with atomic_path(folder / f"{state.epoch:06}-{state.batch:08}{_ENDING}") as draft, draft.open("wb") as file:
        digest = _Digest(file)
        digest.write(f"{_FORMAT} {_VERSION}\n{json.dumps(to_json(state), allow_nan=False)}\n".encode())
        for array in arrays:
            expect_finite(array)
            np.lib.format.write_array(digest, array, allow_pickle=False)
        file.write(digest.value())
    for older in _spare(checkpoints(folder)):
        remove(older)


def newest_checkpoint(folder: Path, before_epoch: int | None = None) -> tuple[TrainState, list[np.ndarray]] | None:
    """The last state that was kept; a damaged file is told of and put aside, and the one before it taken.

    Args:
        folder: of the run's checkpoints.
        before_epoch: take none from within or after this epoch, counted from 0.

    Raises:
        GreycardError: it was written by a newer Greycard, or memory is short.
        OSError: it cannot be read now; it stays as it is.
    """
    for path in checkpoints(folder):
        if before_epoch is not None and _position(path) > (before_epoch, 0):
            continue
        try:
            return _read(path)
        except _DamagedError as error:
            warnings.warn(f"{path} is damaged ({error}) and not used", GreycardWarning, stacklevel=2)
            with suppress(OSError):
                path.replace(path.with_suffix(_DAMAGED))
    return None


def checkpoints(folder: Path) -> list[Path]:
    """The files, the newest first."""
    return sorted(folder.glob(f"*{_ENDING}"), reverse=True)


def _spare(newest_first: list[Path]) -> list[Path]:
    epoch = _position(newest_first[0])[0]
    before = [path for path in newest_first if _position(path) <= (epoch, 0)][:1]
    return [path for path in newest_first[KEPT:] if path not in before]


def _position(path: Path) -> tuple[int, int]:
    """The epoch and the batch that were next, by the file's name."""
    epoch, _, batch = path.stem.partition("-")
    return (int(epoch), int(batch)) if epoch.isdecimal() and batch.isdecimal() else (0, 0)


def _read(path: Path) -> tuple[TrainState, list[np.ndarray]]:
    with path.open("rb") as file:
        end = os.fstat(file.fileno()).st_size - _DIGEST_BYTES
        _expect_whole(file, end)
        file.seek(0)
        _expect_version(file.readline(), path)
        try:
            return from_json(TrainState, json.loads(file.readline())), list(_arrays(file, end))
        except OSError:
            raise
        except MemoryError as error:
            raise GreycardError(f"there is too little memory to read {path}", hint="close other programs") from error
        except Exception as error:  # whole, and yet not what Greycard writes
            raise _DamagedError(f"{type(error).__name__}: {error}") from error


def _expect_whole(file: IO[bytes], end: int) -> None:
    digest = hashlib.sha256()
    for start in range(0, max(end, 0), 1 << 20):
        digest.update(file.read(min(1 << 20, end - start)))
    if end < 0 or file.read() != digest.digest():
        raise _DamagedError("its bytes are not those that were written")


def _expect_version(line: bytes, path: Path) -> None:
    """Asked only of a whole file: this is what was written."""
    if line != f"{_FORMAT} {_VERSION}\n".encode():
        found = line.decode("utf-8", "replace").strip()[:60]
        raise GreycardError(
            f"{path} is of another Greycard: expected {_FORMAT} {_VERSION}, received {found}",
            hint="go on with the Greycard it was begun with, or train anew",
        )


def _arrays(file: IO[bytes], end: int) -> Iterator[np.ndarray]:
    while file.tell() < end:
        yield np.lib.format.read_array(file, allow_pickle=False)


def expect_finite(array: np.ndarray) -> None:
    """BadNumbersError for NaN or infinity."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise BadNumbersError


class _Digest:
    """A file that only takes bytes, and knows the SHA-256 of what it took."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def value(self) -> bytes:
        return self._hash.digest()
