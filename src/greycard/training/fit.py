"""Carrying out a recipe on a compiled model: epochs of batches, a history line after each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from greycard.backend.steps import Steps, steps_for
from greycard.models.head import measure
from greycard.pipeline.batches import Batches
from greycard.training.clock import Clock
from greycard.training.display import Display
from greycard.training.stopping import Rule


@dataclass
class Fitted:
    """What training leaves.

    Attributes:
        history: a line an epoch.
        stopped: why it ended early, if it did.
        outputs: the model's outputs on validation after the last epoch, float32 (n, units).
        after: `loss` and `accuracy` on the training images as they are, measured after the last epoch.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    stopped: str | None = None
    outputs: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    after: dict[str, float | None] = field(default_factory=dict)


def fit(
    model: keras.Model,
    train: Batches,
    validation: Batches,
    as_is: Batches,
    *,
    epochs: int,
    rules: Sequence[Rule] = (),
    display: Display,
    clock: Clock,
    on_epoch: Callable[[dict[str, Any]], None] = lambda line: None,
) -> Fitted:
    """Train and measure after every epoch.

    Args:
        model: compiled.
        train: batches to learn from.
        validation: batches to measure on, never augmented.
        as_is: the training images without augmentation, to measure the finished model on.
        epochs: passes over the training images, unless a rule ends it before.
        rules: asked after every epoch.
        display: told of progress.
        clock: told where the time goes.
        on_epoch: given each history line as it is complete: `epoch` from 1, `train_loss`, `val_loss`, accuracies where
            there are classes, and `seconds`, `train_seconds`, `val_seconds`.
    """
    steps = steps_for(model, train.batch_size, epochs * len(train))
    fitted = Fitted()
    for epoch in range(epochs):
        display.epoch_begins(epoch + 1, epochs, len(train.pixels))
        begun = time.perf_counter()
        measured = {f"train_{name}": value for name, value in _train(steps, train, epoch, display, clock).items()}
        trained = time.perf_counter()
        with clock("validation"):
            fitted.outputs = predict(steps, validation)
            on_validation = measure(model.loss, validation.pixels.labels, fitted.outputs)
        measured |= {f"val_{name}": value for name, value in on_validation.items()}
        line = {"epoch": epoch + 1, **_finite(measured), **_seconds(begun, trained, time.perf_counter())}
        fitted.history.append(line)
        with clock("saving"):
            on_epoch(line)
        display.epoch_ends(line)
        fitted.stopped = next((why for rule in rules if (why := rule(epoch + 1, line))), None)
        if fitted.stopped:
            break
    with clock("validation"), display.waiting("measuring the training images as they are"):
        fitted.after = _finite(measure(model.loss, as_is.pixels.labels, predict(steps, as_is)))
    return fitted


def predict(steps: Steps, batches: Batches) -> np.ndarray:
    """The model's outputs, float32 (n, units), in the split's order."""
    return np.concatenate([steps.predict(images) for images, _ in batches.epoch(0)])


def _train(steps: Steps, batches: Batches, epoch: int, display: Display, clock: Clock) -> dict[str, float]:
    done = 0
    for images, labels in clock.waiting_for(batches.epoch(epoch, steps.together)):
        with clock("compute"):
            steps.train(images, labels)
        done += len(images)
        display.images_done(done)
    with clock("compute"):
        return steps.totals()


def _seconds(begun: float, trained: float, ended: float) -> dict[str, float]:
    return {"seconds": ended - begun, "train_seconds": trained - begun, "val_seconds": ended - trained}


def _finite(measured: dict[str, float]) -> dict[str, float | None]:
    """JSON has no NaN: None."""
    return {name: value if math.isfinite(value) else None for name, value in measured.items()}
