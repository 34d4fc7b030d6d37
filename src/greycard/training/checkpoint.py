"""Checkpoints: the complete state of a training in one file, with a digest that reveals any damage.

The file has a line with the format's version, a line of JSON, the arrays in NumPy's format, and last the SHA-256 of
everything before it. Reading it never runs or unpickles anything.
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
"""Checkpoints of a run: the newest, and the one before it in case the newest is damaged. The newest one from before the
current epoch is also kept, to roll back to if that epoch's numbers become NaN or infinite."""

_FORMAT, _VERSION = "greycard checkpoint", 2
_DIGEST_BYTES = hashlib.sha256().digest_size
_ENDING, _DAMAGED = ".checkpoint", ".damaged"


@dataclass
class TrainState:
    """The progress of a training.

    Attributes:
        data: digest of the training and validation data.
        epoch: the current or next epoch, counted from 0.
        batch: the next batch of that epoch.
        history: one record for each finished epoch.
        best: the epoch, from 1, of the best weights, which are last in the checkpoint; 0 if there are none.
        stopped: why training stopped early; empty while it continues.
        finished: True if the weights are final, and not those of the last epoch.
        sums: running sums of loss and accuracy in the current epoch.
        epoch_seconds: seconds spent on the current epoch.
        seconds: seconds spent on the run, by part and in `total`.
        resumed: number of times the run was resumed.
        backend: the Keras backend of the run.
        steps_per_execution: batches per call of the training step.
    """

    data: str
    epoch: int = 0
    batch: int = 0
    history: list[Epoch] = field(default_factory=list)
    best: int = 0
    stopped: str = ""
    finished: bool = False
    sums: dict[str, float] = field(default_factory=dict)
    epoch_seconds: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    resumed: int = 0
    backend: str = ""
    steps_per_execution: int = 1

    @property
    def place(self) -> str:
        """The position in the training, in words."""
        after = f"after epoch {self.epoch}" if self.epoch else "at its beginning"
        return f"in epoch {self.epoch + 1}, after step {self.batch:,}" if self.batch else after


class BadNumbersError(Exception):
    """The state contains NaN or infinity."""


class _DamagedError(Exception):
    """The file is not a complete checkpoint; the message says why."""


def write_checkpoint(folder: Path, state: TrainState, arrays: Iterable[np.ndarray]) -> None:
    """Write a checkpoint and remove the old ones that are no longer needed.

    Args:
        folder: the folder of the run's checkpoints.
        state: the progress of the training.
        arrays: everything that training changes: weights, optimizer state, random state; then the best weights.

    Raises:
        OSError: the checkpoint cannot be written; the earlier ones are unchanged.
        BadNumbersError: the arrays contain NaN or infinity.
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
    """Read the newest checkpoint. A damaged file is renamed with a warning, and the one before it is used.

    Args:
        folder: the folder of the run's checkpoints.
        before_epoch: ignore checkpoints made during or after this epoch, counted from 0.

    Returns:
        The progress and the arrays; None if there is no checkpoint.

    Raises:
        GreycardError: another version of Greycard wrote it, or there is too little memory.
        OSError: the file cannot be read; it is unchanged.
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


def newest_progress(folder: Path) -> TrainState | None:
    """The progress of a training that another process writes, without its arrays and without a check of its digest.

    Args:
        folder: the folder of the run's checkpoints.

    Returns:
        None if there is no checkpoint, or none that can be read.
    """
    for path in checkpoints(folder):
        with suppress(OSError, ValueError, GreycardError), path.open("rb") as file:
            _expect_version(file.readline(), path)
            return from_json(TrainState, json.loads(file.readline()))
    return None


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoint files, the newest first."""
    return sorted(folder.glob(f"*{_ENDING}"), reverse=True)


def _spare(newest_first: list[Path]) -> list[Path]:
    epoch = _position(newest_first[0])[0]
    before = [path for path in newest_first if _position(path) <= (epoch, 0)][:1]
    return [path for path in newest_first[KEPT:] if path not in before]


def _position(path: Path) -> tuple[int, int]:
    """The next epoch and batch, according to the file's name."""
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
        except GreycardError as error:
            raise _DamagedError(error.args[0]) from error
        except Exception as error:  # complete, but not in Greycard's format
            raise _DamagedError(f"{type(error).__name__}: {error}") from error


def _expect_whole(file: IO[bytes], end: int) -> None:
    digest = hashlib.sha256()
    for start in range(0, max(end, 0), 1 << 20):
        digest.update(file.read(min(1 << 20, end - start)))
    if end < 0 or file.read() != digest.digest():
        raise _DamagedError("its bytes are not those that were written")


def _expect_version(line: bytes, path: Path) -> None:
    """Call this only for a complete file, so that damage is never reported as another version."""
    if line != f"{_FORMAT} {_VERSION}\n".encode():
        found = line.decode("utf-8", "replace").strip()[:60]
        raise GreycardError(
            f"{path} is from another version of Greycard: expected {_FORMAT} {_VERSION}, received {found}",
            hint="resume with the version that started the run, or train again",
        )


def _arrays(file: IO[bytes], end: int) -> Iterator[np.ndarray]:
    while file.tell() < end:
        yield np.lib.format.read_array(file, allow_pickle=False)


def expect_finite(array: np.ndarray) -> None:
    """Raise a BadNumbersError if the array contains NaN or infinity."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise BadNumbersError


class _Digest:
    """A write-only file that computes the SHA-256 of the bytes written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def value(self) -> bytes:
        return self._hash.digest()
