"""Carrying out a recipe on a compiled model: epochs of batches, a history line after each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from greycard.backend.steps import Steps, steps_for
from greycard.models.head import measure
from greycard.models.precision import computing_in
from greycard.pipeline.batches import Batches
from greycard.training.checkpoint import Progress
from greycard.training.clock import Clock
from greycard.training.display import Display
from greycard.training.keeper import Keeper
from greycard.training.stopping import Rule, gone_bad

History = list[dict[str, Any]]


@dataclass(frozen=True)
class Fitted:
    """What training leaves.

    Attributes:
        history: a line an epoch.
        stopped: why it ended early, if it did.
        kept: the epoch, from 1, whose weights the model has because it was the best; None for the last one's.
        outputs: the final model's outputs on validation, float32 (n, units).
        held_out: its `loss` and `accuracy` there.
        after: the same on the training images as they are.
        resumed: how often it was gone on with.
    """

    history: History
    stopped: str | None
    kept: int | None
    outputs: np.ndarray
    held_out: dict[str, float | None]
    after: dict[str, float | None]
    resumed: int


@dataclass(frozen=True)
class Course:
    """What is trained, on what, and who is told.

    Attributes:
        model: compiled.
        precision: what its training steps compute in, `float32` or `bfloat16`; everything is measured in float32.
        train: batches to learn from.
        validation: batches to measure on, never augmented.
        as_is: the training images without augmentation, to measure the finished model on.
        epochs: passes over the training images, unless a rule ends it before.
        rules: asked after every epoch.
        keeper: of its state.
        display: told of progress.
        clock: told where the time goes.
        on_begin: given the history that training goes on from.
        on_epoch: given each history line as it is complete: `epoch` from 1, `train_loss`, `val_loss`, accuracies where
            there are classes, and `seconds`, `train_seconds`, `val_seconds`.
    """

    model: keras.Model
    precision: str
    train: Batches
    validation: Batches
    as_is: Batches
    epochs: int
    rules: Sequence[Rule]
    keeper: Keeper
    display: Display
    clock: Clock
    on_begin: Callable[[History], None]
    on_epoch: Callable[[dict[str, Any]], None]


def fit(course: Course) -> Fitted:
    """Train from the state that was kept last, or from the start, and measure after every epoch.

    Raises:
        InterruptedRunError: someone asked to end it; its state is kept.
        GreycardError: a kept state of other data or another model.
    """
    steps = steps_for(course.model, course.train.batch_size, course.epochs * len(course.train))
    progress = course.keeper.begin(course.model, steps)
    course.on_begin(progress.history)
    if progress.resumed:
        course.display.says(f"going on {progress.place}")
    stopped = progress.stopped or _replayed(course.rules, progress.history)
    outputs: np.ndarray | None = None
    while progress.epoch < course.epochs and not stopped:
        line, outputs = _epoch(course, steps, progress)
        course.keeper.look()
        stopped = gone_bad(progress.history, course.epochs, course.keeper.bad)
        if stopped:
            return _measured(course, steps, progress, f"{stopped}; {_gone_back(course.keeper, progress)}", None)
        if course.keeper.best:
            course.keeper.best.update(progress.history)
        stopped = _asked(course.rules, line)
        progress.stopped = stopped or ""
        course.keeper.after_step(progress)
    fitted = _measured(course, steps, progress, stopped, outputs)
    course.keeper.after_step(progress)
    return fitted


def predict(steps: Steps, batches: Batches) -> np.ndarray:
    """The model's outputs, float32 (n, units), in the split's order."""
    return np.concatenate([steps.predict(images) for images, _ in batches.epoch(0)])


def _epoch(course: Course, steps: Steps, progress: Progress) -> tuple[dict[str, Any], np.ndarray]:
    """Train to the epoch's end and measure; its history line, and the outputs on validation."""
    number = progress.epoch + 1
    course.display.epoch_begins(number, course.epochs, len(course.train.pixels))
    begun, before = time.perf_counter(), progress.epoch_seconds
    with computing_in(course.model, course.precision):
        learnt = _train(course, steps, progress)
    trained = time.perf_counter()
    with course.clock("validation"):
        outputs = predict(steps, course.validation)
        held_out = measure(course.model.loss, course.validation.pixels.labels, outputs)
    seconds = _seconds(begun - before, trained, time.perf_counter())
    line = {"epoch": number, **_finite(learnt, "train_"), **_finite(held_out, "val_"), **seconds}
    progress.history.append(line)
    progress.epoch, progress.batch, progress.epoch_seconds = number, 0, 0.0
    with course.clock("saving"):
        course.on_epoch(line)
    course.display.epoch_ends(line)
    return line, outputs


def _train(course: Course, steps: Steps, progress: Progress) -> dict[str, float]:
    train, begun, before = course.train, time.perf_counter(), progress.epoch_seconds
    for images, labels in course.clock.waiting_for(train.epoch(progress.epoch, steps.together, progress.batch)):
        with course.clock("compute"):
            steps.train(images, labels)
        progress.batch += -(-len(images) // train.batch_size)
        progress.epoch_seconds = before + time.perf_counter() - begun
        course.display.images_done(min(progress.batch * train.batch_size, len(train.pixels)))
        if not course.keeper.after_step(progress):
            break
    with course.clock("compute"):
        return steps.totals()


def _replayed(rules: Sequence[Rule], history: History) -> str | None:
    """The rules told of the epochs before; why they would have ended training, where a kill came in between."""
    stopped = None
    for line in history:
        stopped = stopped or _asked(rules, line)
    return stopped


def _asked(rules: Sequence[Rule], line: dict[str, Any]) -> str | None:
    reasons = [rule(line["epoch"], line) for rule in rules]
    return next((why for why in reasons if why), None)


def _gone_back(keeper: Keeper, progress: Progress) -> str:
    """The model of the best epoch, or as it was kept last before the epoch in which its numbers went bad."""
    if keeper.best and keeper.best.epoch:
        return f"the model is that of epoch {keeper.best.epoch}, the best before it"
    place = keeper.back_to(progress.epoch - 1)
    return f"the model is as it was kept {place}" if place else "no model was kept before that epoch"


def _measured(
    course: Course, steps: Steps, progress: Progress, stopped: str | None, outputs: np.ndarray | None
) -> Fitted:
    """The final model on both splits; its outputs on validation are there already if it is the last epoch's."""
    kept = course.keeper.best.restore() if course.keeper.best else None
    if kept not in (None, progress.epoch):
        outputs = None
    with course.clock("validation"), course.display.waiting("measuring the training images as they are"):
        known = outputs if outputs is not None else predict(steps, course.validation)
        held_out = measure(course.model.loss, course.validation.pixels.labels, known)
        after = measure(course.model.loss, course.as_is.pixels.labels, predict(steps, course.as_is))
    return Fitted(progress.history, stopped, kept, known, _finite(held_out), _finite(after), progress.resumed)


def _seconds(begun: float, trained: float, ended: float) -> dict[str, float]:
    return {"seconds": ended - begun, "train_seconds": trained - begun, "val_seconds": ended - trained}


def _finite(measured: dict[str, float], prefix: str = "") -> dict[str, float | None]:
    """JSON has no NaN: None."""
    return {f"{prefix}{name}": value if math.isfinite(value) else None for name, value in measured.items()}
