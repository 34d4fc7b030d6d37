"""What the plain scripts share and no tutorial has: their options, a clock, and the line of JSON at the end."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np


def options(names: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=names)
    parser.add_argument("--data", type=Path, required=True, help="the dataset's own folder")
    parser.add_argument("--weights", type=Path, help="of a transfer row: InceptionV3 cut at mixed7")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="batches an epoch, training and validation; all of them by default")
    parser.add_argument("--correct", type=Path, help="a .npz file to write: is each validation image right?")
    return parser.parse_args()


class Clock(keras.callbacks.Callback):
    """A line an epoch under the names of Greycard's `history.jsonl`; begin it with the script."""

    def __init__(self) -> None:
        super().__init__()
        self.history: list[dict[str, float]] = []
        self.begun = time.perf_counter()
        self._epoch_begun = self._trained = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch_begun = time.perf_counter()

    def on_test_begin(self, logs: Any = None) -> None:
        self._trained = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        now = time.perf_counter()
        line = {"epoch": epoch + 1, "seconds": now - self._epoch_begun}
        line |= {"train_seconds": self._trained - self._epoch_begun, "val_seconds": now - self._trained}
        line |= {"learning_rate": float(self.model.optimizer.learning_rate)}
        split = {name if name.startswith("val_") else f"train_{name}": value for name, value in (logs or {}).items()}
        self.history.append(line | {name: float(value) for name, value in split.items()})


def finish(
    asked: argparse.Namespace, clock: Clock, model: keras.Model, images: Any, labels: np.ndarray, ids: Sequence[str]
) -> None:
    """Print the measured line, and keep which validation images the trained model has right.

    Args:
        asked: the options.
        clock: of the training that has ended.
        model: trained.
        images: the validation images in the order of `labels` and `ids`, as `model.predict` takes them.
        labels: int (n,).
        ids: a name for each.
    """
    total = time.perf_counter() - clock.begun
    steps = None if isinstance(images, np.ndarray) else asked.steps
    outputs = model.predict(images, verbose=0, steps=steps)
    scoring = time.perf_counter() - clock.begun - total
    chosen = outputs[:, 0] > 0.5 if outputs.shape[1] == 1 else outputs.argmax(axis=1)
    count = len(chosen)
    if asked.correct:
        np.savez(asked.correct, ids=np.array(ids[:count]), correct=chosen == labels[:count])
    line = {"history": clock.history, "total_seconds": total, "scoring_seconds": scoring}
    print(json.dumps(line | {"peak_memory_mb": _peak_memory_mb()}))


def _peak_memory_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
