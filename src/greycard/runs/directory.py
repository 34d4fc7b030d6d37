"""Writing a run: a folder of its own, every file written whole, `summary.json` last."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from greycard.errors import GreycardError

SCHEMA = 1
"""The version of the run format (docs/runs.md); written into every JSON file of a run."""

RECIPE, ENVIRONMENT, LABELS, SUMMARY = "recipe.json", "environment.json", "labels.json", "summary.json"
HISTORY, PREDICTIONS, MODEL = "history.jsonl", "predictions.npz", "model.keras"
MISTAKES = "mistakes.npz"


class RunDirectory:
    """A new run's folder, `OUT/NAME-N/` with the first free N; an existing one is never written to.

    Args:
        out: created if missing.
        name: the recipe's name; what is no letter, digit, dot, dash or underscore becomes a dash.

    Raises:
        GreycardError: `out` is a file or cannot be written.
    """

    def __init__(self, out: str | Path, name: str) -> None:
        self.path = _claim(Path(out).expanduser(), re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run")

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        text = json.dumps({"schema": SCHEMA, **content}, indent=2, allow_nan=False)
        self._write(name, f"{text}\n".encode())

    def append_history(self, line: Mapping[str, Any]) -> None:
        """One more epoch; on the disk when this returns."""
        with (self.path / HISTORY).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def write_predictions(self, ids: tuple[str, ...], labels: np.ndarray, probabilities: np.ndarray) -> None:
        """Validation ids (n,), labels (n,) and probabilities float32 (n, classes), or outputs (n, 1)."""
        with self.incomplete(PREDICTIONS).open("wb") as file:
            names = np.array(ids, dtype=np.str_)
            np.savez_compressed(file, ids=names, labels=labels, probabilities=probabilities.astype(np.float32))
        self.complete(PREDICTIONS)

    def write_mistakes(
        self, ids: tuple[str, ...], labels: np.ndarray, probabilities: np.ndarray, images: np.ndarray
    ) -> None:
        """The worst mistakes: ids, labels, probabilities, and pictures uint8 (n, height, width, channels)."""
        with self.incomplete(MISTAKES).open("wb") as file:
            names = np.array(ids, dtype=np.str_)
            np.savez_compressed(file, ids=names, labels=labels, probabilities=probabilities, images=images)
        self.complete(MISTAKES)

    def incomplete(self, name: str) -> Path:
        """Where to write a file until `complete` gives it its name; keeps the ending, which Keras insists on."""
        return self.path / f".incomplete-{name}"

    def complete(self, name: str) -> None:
        os.replace(self.incomplete(name), self.path / name)

    def _write(self, name: str, data: bytes) -> None:
        self.incomplete(name).write_bytes(data)
        self.complete(name)


def expect_writable(out: str | Path) -> None:
    """GreycardError where runs could not be written to `out`; nothing is created."""
    folder = Path(out).expanduser()
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = "may not be written to" if there.is_dir() else "is a file"
        raise GreycardError(f"runs cannot be written to {folder}: {there} {why}", hint="--out names another folder")


def _claim(out: Path, name: str) -> Path:
    """mkdir either makes the folder or fails, so two runs that start together never share one."""
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
            f"runs cannot be written to {out}: {error.strerror}", hint="--out names another folder"
        ) from error
