"""Write a run: a new folder, every file written atomically, `summary.json` last."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from greycard.core import locks
from greycard.core.atomic_files import atomic_path, atomic_write, naming, remove_drafts
from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardError, command
from greycard.core.paths import as_path
from greycard.core.records import to_json
from greycard.core.run_format import SCHEMA
from greycard.datasets.dataset import Split
from greycard.evaluation.rejection.stored import Stored
from greycard.runs.schema import Summary
from greycard.tasks.target import Target

RECIPE, ENVIRONMENT, LABELS, SUMMARY = "recipe.json", "environment.json", "labels.json", "summary.json"
HISTORY, PREDICTIONS, MODEL = "history.jsonl", "predictions.npz", "model.keras"
MISTAKES, SPLIT, CHOICES, REJECTION = "mistakes.npz", "split.npz", "choices.json", "rejection.npz"
CHECKPOINTS, RUN_ARGS, _LOCK = "checkpoint", "run_args.json", "lock"
_KEPT = ("*.checkpoint", "*.damaged", RUN_ARGS, _LOCK)
"""Files that an unfinished run keeps with its checkpoints."""


class RunDirectory:
    """A run's folder during training; only one process can hold it at a time.

    Args:
        path: an unfinished run's folder.

    Raises:
        GreycardError: another process is training this run or has finished it.

    Attributes:
        checkpoints: folder of the files that only an unfinished run needs; removed when the run is finished.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.checkpoints = path, path / CHECKPOINTS
        self.checkpoints.mkdir(exist_ok=True)
        self._lock = _held(self.checkpoints / _LOCK, path)
        if (path / SUMMARY).is_file():
            self.release()
            tidy(path)
            raise GreycardError(f"{path} is already finished", hint=f"`{command('show', path)}` shows it")
        remove_drafts(path)
        remove_drafts(self.checkpoints)

    @classmethod
    def new(cls, out: str | Path, name: str) -> RunDirectory:
        """`OUT/NAME-N/` with the first free N; an existing folder is never written to.

        Args:
            out: created if missing.
            name: the recipe's name; other characters than letters, digits, dots, dashes and underscores become dashes.

        Raises:
            GreycardError: `out` is a file or cannot be written.
        """
        for earlier in Path(out).expanduser().glob(f"*/{CHECKPOINTS}"):
            tidy(earlier.parent)
        return cls(new_folder(out, name))

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file; `name` is a file name from this module."""
        text = json.dumps({"schema": SCHEMA, **content}, indent=2, allow_nan=False)
        atomic_write(self.path / name, f"{text}\n")

    def write_labels(self, classes: Sequence[str], target: Target | None) -> None:
        """Write the names of the classes; for a regression on images, the numbers that it learns."""
        numbers = {} if target is None else {"target": to_json(target)}
        self.write_json(LABELS, {"classes": list(classes), **numbers})

    def append_history(self, epoch: Epoch) -> None:
        """Append an epoch; it is on disk when this returns."""
        path = self.path / HISTORY
        with naming(path), path.open("a", encoding="utf-8") as file:
            file.write(_history_line(epoch))
            file.flush()
            os.fsync(file.fileno())

    def begin_history(self, epochs: Iterable[Epoch]) -> None:
        """Replace the history with the epochs from which training resumes."""
        atomic_write(self.path / HISTORY, "".join(map(_history_line, epochs)))

    def write_split(self, splits: Sequence[Split]) -> None:
        """The ids of the training, validation and perhaps test images, and the digests of all files, in this order."""
        ids = {name: np.array([], np.str_) for name in ("train", "validation", "test")}
        ids |= {name: np.array(split.ids, np.str_) for name, split in zip(ids, splits, strict=False)}
        files = all(split.facts is not None for split in splits)
        digests = [facts.digest for split in splits for facts in split.facts or ()] if files else []
        self._write_arrays(SPLIT, **ids, digests=np.array(digests, "S64"))

    def write_predictions(self, ids: tuple[str, ...], labels: np.ndarray, probabilities: np.ndarray) -> None:
        """Write validation ids (n,), labels (n,) and probabilities float32 (n, classes), or outputs (n, 1)."""
        names = np.array(ids, np.str_)
        self._write_arrays(PREDICTIONS, ids=names, labels=labels, probabilities=probabilities.astype(np.float32))

    def write_mistakes(
        self, ids: tuple[str, ...], labels: np.ndarray, probabilities: np.ndarray, images: np.ndarray
    ) -> None:
        """The worst mistakes: ids, labels, probabilities, and images uint8 (n, height, width, channels)."""
        names = np.array(ids, np.str_)
        self._write_arrays(MISTAKES, ids=names, labels=labels, probabilities=probabilities, images=images)

    def write_rejection(self, stored: Stored) -> None:
        """Write how unlike the training images an image may be."""
        self._write_arrays(REJECTION, **stored.arrays())

    def finish(self, summary: Summary) -> None:
        """Write the summary, which marks the run as finished; then remove its checkpoints and their lock."""
        self.write_json(SUMMARY, summary.to_json())
        self.release()
        _remove_checkpoints(self.path)

    def release(self) -> None:
        """Release the lock: another process may train the run now."""
        if self._lock:
            self._lock.close()

    def _write_arrays(self, name: str, **arrays: np.ndarray) -> None:
        with atomic_path(self.path / name) as draft, draft.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def expect_writable(out: str | Path) -> None:
    """Raise GreycardError if runs cannot be written to `out`; nothing is created."""
    folder = as_path(out, "out")
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = "is not writable" if there.is_dir() else "is a file"
        raise GreycardError(
            f"runs cannot be written to {folder}: {there} {why}", hint="choose another folder with --out"
        )


def tidy(path: Path) -> None:
    """Remove the leftovers of a run that was killed after it was finished.

    Other tools also have a folder `checkpoint` next to a `summary.json`: only files of a run are removed.
    """
    lock = path / CHECKPOINTS / _LOCK
    if all(file.is_file() for file in (path / RECIPE, path / SUMMARY, lock)) and not is_in_training(path):
        with suppress(OSError):
            remove_drafts(path)
        _remove_checkpoints(path)


def _remove_checkpoints(run: Path) -> None:
    """The files that an unfinished run keeps there, and the folder itself if it has no other files."""
    folder = run / CHECKPOINTS
    with suppress(OSError):
        remove_drafts(folder)
        for pattern in _KEPT:
            for file in folder.glob(pattern):
                file.unlink()
        folder.rmdir()


def is_in_training(path: Path) -> bool:
    """Whether a process is training this run."""
    try:
        with (path / CHECKPOINTS / _LOCK).open("rb") as file:
            return not locks.try_lock(file)
    except OSError:  # no such file, or a file system without locks
        return False


def _history_line(epoch: Epoch) -> str:
    return json.dumps(epoch.to_json(), allow_nan=False) + "\n"


def _held(lock: Path, run: Path) -> IO[bytes] | None:
    """The open lock; None on a file system without locks."""
    file = lock.open("ab")
    try:
        mine = any(
            _tried(file, seconds) for seconds in (0, 0.02, 0.1)
        )  # another process may only have checked the lock
    except OSError:
        file.close()
        return None
    if not mine:
        file.close()
        raise GreycardError(f"{run} is being trained by another process", hint="wait for it, or stop it first")
    return file


def _tried(file: IO[bytes], seconds: float) -> bool:
    time.sleep(seconds)
    return locks.try_lock(file)


def new_folder(out: str | Path, name: str) -> Path:
    """Create `OUT/NAME-N/` with the first free N; other characters than a file name may have become dashes.

    mkdir either creates the folder or fails, so two runs that start together never share a folder.

    Raises:
        GreycardError: `out` is a file or cannot be written.
    """
    out, name = as_path(out, "out"), folder_name(name)
    try:
        out.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            path = out / f"{name}-{number}"
            try:
                path.mkdir()
            except FileExistsError:
                number += 1
            else:
                return path
    except OSError as error:
        raise GreycardError(
            f"runs cannot be written to {out}: {error.strerror}", hint="choose another folder with --out"
        ) from error


def folder_name(name: str) -> str:
    """A run's name as a folder's, before its number: other characters than a file name may have become dashes."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run"
