"""Carrying out a recipe on a compiled model: epochs of batches, a history line after each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from greycard.pipeline.batches import Batches
from greycard.training.display import Display
from greycard.training.stopping import Rule


@dataclass
class Fitted:
    """What training leaves: a line an epoch, and why it stopped early, if it did."""

    history: list[dict[str, Any]] = field(default_factory=list)
    stopped: str | None = None


def fit(
    model: keras.Model,
    train: Batches,
    validation: Batches,
    *,
    epochs: int,
    rules: Sequence[Rule] = (),
    display: Display,
    on_epoch: Callable[[dict[str, Any]], None] = lambda line: None,
) -> Fitted:
    """Train and measure after every epoch.

    Args:
        model: compiled.
        train: batches to learn from.
        validation: batches to measure on, never augmented.
        epochs: passes over the training images, unless a rule ends it before.
        rules: asked after every epoch.
        display: told of progress.
        on_epoch: given each history line as it is complete: `epoch` from 1, `train_loss`, `val_loss`, accuracies where
            there are classes, and `seconds`, `train_seconds`, `val_seconds`.
    """
    source, held_out = _Source(train), _Source(validation)
    recorder = _Recorder(source, epochs, rules, display, on_epoch)
    model.fit(source, epochs=epochs, validation_data=held_out, verbose=0, shuffle=False, callbacks=[recorder])
    return recorder.fitted


def predict(model: keras.Model, batches: Batches) -> np.ndarray:
    """The model's outputs, float32 (n, units), in the split's order."""
    return model.predict(_Source(batches), verbose=0)


class _Source(keras.utils.PyDataset):
    """Greycard's batches in the form that Keras reads from any backend."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self.batches = batches
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        images, labels = self.batches.batch(self.epoch, index)
        return images, labels.astype(np.float32)[:, None]


class _Recorder(keras.callbacks.Callback):
    """Keeps the clock, writes the history, asks the rules. One for each training."""

    def __init__(
        self,
        source: _Source,
        epochs: int,
        rules: Sequence[Rule],
        display: Display,
        on_epoch: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__()
        self.source, self.epochs, self.rules = source, epochs, rules
        self.display, self.on_epoch = display, on_epoch
        self.fitted = Fitted()
        self._begun = self._trained = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.source.epoch = epoch
        self.display.epoch_begins(epoch + 1, self.epochs, len(self.source.batches.pixels))
        self._begun = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        batches = self.source.batches
        self.display.images_done(min((batch + 1) * batches.batch_size, len(batches.pixels)))

    def on_test_begin(self, logs: Any = None) -> None:
        self._trained = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        now = time.perf_counter()
        line = {"epoch": epoch + 1, **_measured(logs or {})}
        line |= {"seconds": now - self._begun, "train_seconds": self._trained - self._begun}
        line |= {"val_seconds": now - self._trained}
        self.fitted.history.append(line)
        self.on_epoch(line)
        self.display.epoch_ends(line)
        self.fitted.stopped = next((why for rule in self.rules if (why := rule(epoch + 1, line))), None)
        self.model.stop_training = self.fitted.stopped is not None


def _measured(logs: dict[str, Any]) -> dict[str, float | None]:
    """Keras's names `loss` and `accuracy` say training; here the split is in the name. JSON has no NaN: None."""
    named = {key if key.startswith("val_") else f"train_{key}": float(value) for key, value in logs.items()}
    return {key: value if math.isfinite(value) else None for key, value in named.items()}
