"""Carrying out a recipe on a compiled model: epochs of batches, a history line after each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from greycard.backend.steps import Steps, steps_for
from greycard.core.clock import Clock
from greycard.core.epoch import Epoch
from greycard.core.reporter import Reporter
from greycard.models.mixed_precision import mixed_precision
from greycard.pipeline.loader import Loader
from greycard.tasks.task import Task
from greycard.training.checkpoint import TrainState
from greycard.training.checkpointer import Checkpointer
from greycard.training.stopping import Rule, gone_bad


@dataclass(frozen=True)
class Measured:
    """A model's figures on one split.

    Attributes:
        loss: None if it is NaN or infinite.
        accuracy: a fraction; None for a task without classes.
    """

    loss: float | None
    accuracy: float | None

    @classmethod
    def of(cls, figures: Mapping[str, float]) -> Measured:
        """From `loss`, and `accuracy` where there are classes. JSON has no NaN: None."""
        finite = {name: value for name, value in figures.items() if math.isfinite(value)}
        return cls(finite.get("loss"), finite.get("accuracy"))


@dataclass(frozen=True)
class FitResult:
    """What training leaves.

    Attributes:
        history: every epoch.
        stopped: why it ended early, if it did.
        kept: the epoch, from 1, whose weights the model has because it was the best; None for the last one's.
        outputs: the final model's outputs on validation, float32 (n, units).
        val: its figures there.
        train_eval: the same on the training images as they are.
        resumed: how often it was gone on with.
    """

    history: list[Epoch]
    stopped: str | None
    kept: int | None
    outputs: np.ndarray
    val: Measured
    train_eval: Measured
    resumed: int


@dataclass(frozen=True)
class Course:
    """What is trained, on what, and who is told.

    Attributes:
        model: compiled.
        task: of the model; measures its outputs.
        precision: what its training steps compute in, `float32` or `bfloat16`; everything is measured in float32.
        train: batches to learn from.
        validation: batches to measure on, never augmented.
        unaugmented: the training images without augmentation, to measure the finished model on.
        epochs: passes over the training images, unless a rule ends it before.
        rules: asked after every epoch.
        checkpointer: of its state.
        reporter: told of state.
        clock: told where the time goes.
        on_begin: given the history that training goes on from.
        on_epoch: given each epoch as it is complete.
    """

    model: keras.Model
    task: Task
    precision: str
    train: Loader
    validation: Loader
    unaugmented: Loader
    epochs: int
    rules: Sequence[Rule]
    checkpointer: Checkpointer
    reporter: Reporter
    clock: Clock
    on_begin: Callable[[list[Epoch]], None]
    on_epoch: Callable[[Epoch], None]


def fit(course: Course) -> FitResult:
    """Train from the state that was kept last, or from the start, and measure after every epoch.

    Raises:
        InterruptedRunError: someone asked to end it; its state is kept.
        GreycardError: a kept state of other data or another model.
    """
    steps = steps_for(course.model, course.train.batch_size, course.epochs * len(course.train))
    state = course.checkpointer.restore(course.model, steps)
    course.on_begin(state.history)
    if state.resumed:
        course.reporter.log(f"going on {state.place}")
    stopped = state.stopped or _replayed(course.rules, state.history)
    outputs: np.ndarray | None = None
    while state.epoch < course.epochs and not stopped:
        last, outputs = _epoch(course, steps, state)
        course.checkpointer.check_finite()
        stopped = gone_bad(state.history, course.epochs, course.checkpointer.non_finite)
        if stopped:
            return _measured(course, steps, state, f"{stopped}; {_gone_back(course.checkpointer, state)}", None)
        if course.checkpointer.best:
            course.checkpointer.best.update(state.history)
        stopped = _asked(course.rules, last)
        state.stopped = stopped or ""
        course.checkpointer.after_step(state)
    result = _measured(course, steps, state, stopped, outputs)
    course.checkpointer.after_step(state)
    return result


def predict(steps: Steps, batches: Loader) -> np.ndarray:
    """The model's outputs, float32 (n, units), in the split's order."""
    return np.concatenate([steps.predict(images) for images, _ in batches.epoch(0)])


def _epoch(course: Course, steps: Steps, state: TrainState) -> tuple[Epoch, np.ndarray]:
    """Train to the epoch's end and measure; the epoch's figures, and the outputs on validation."""
    number = state.epoch + 1
    course.reporter.epoch_begins(number, course.epochs, len(course.train.pixels))
    begun, before = time.perf_counter(), state.epoch_seconds
    with mixed_precision(course.model, course.precision):
        train = Measured.of(_train(course, steps, state))
    trained = time.perf_counter()
    with course.clock("validation"):
        outputs = predict(steps, course.validation)
        val = Measured.of(course.task.measure(course.validation.pixels.labels, outputs))
    epoch = _figures(number, train, val, begun - before, trained)
    state.history.append(epoch)
    state.epoch, state.batch, state.epoch_seconds = number, 0, 0.0
    with course.clock("saving"):
        course.on_epoch(epoch)
    course.reporter.epoch_ends(epoch)
    return epoch, outputs


def _train(course: Course, steps: Steps, state: TrainState) -> dict[str, float]:
    train, begun, before = course.train, time.perf_counter(), state.epoch_seconds
    for images, labels in course.clock.waiting_for(train.epoch(state.epoch, steps.steps_per_execution, state.batch)):
        with course.clock("compute"):
            steps.train(images, labels)
        state.batch += -(-len(images) // train.batch_size)
        state.epoch_seconds = before + time.perf_counter() - begun
        course.reporter.images_done(min(state.batch * train.batch_size, len(train.pixels)))
        if not course.checkpointer.after_step(state):
            break
    with course.clock("compute"):
        return steps.result()


def _replayed(rules: Sequence[Rule], history: Sequence[Epoch]) -> str | None:
    """The rules told of the epochs before; why they would have ended training, where a kill came in between."""
    stopped = None
    for epoch in history:
        stopped = stopped or _asked(rules, epoch)
    return stopped


def _asked(rules: Sequence[Rule], epoch: Epoch) -> str | None:
    reasons = [rule(epoch) for rule in rules]
    return next((why for why in reasons if why), None)


def _gone_back(checkpointer: Checkpointer, state: TrainState) -> str:
    """The model of the best epoch, or as it was kept last before the epoch in which its numbers went bad."""
    if checkpointer.best and checkpointer.best.epoch:
        return f"the model is that of epoch {checkpointer.best.epoch}, the best before it"
    place = checkpointer.rollback(state.epoch - 1)
    return f"the model is as it was kept {place}" if place else "no model was kept before that epoch"


def _measured(
    course: Course, steps: Steps, state: TrainState, stopped: str | None, outputs: np.ndarray | None
) -> FitResult:
    """The final model on both splits; its outputs on validation are there already if it is the last epoch's."""
    kept = course.checkpointer.best.restore() if course.checkpointer.best else None
    if kept not in (None, state.epoch):
        outputs = None
    with course.clock("validation"), course.reporter.status("measuring the training images as they are"):
        known = outputs if outputs is not None else predict(steps, course.validation)
        val = course.task.measure(course.validation.pixels.labels, known)
        after = course.task.measure(course.unaugmented.pixels.labels, predict(steps, course.unaugmented))
    return FitResult(state.history, stopped, kept, known, Measured.of(val), Measured.of(after), state.resumed)


def _figures(number: int, train: Measured, val: Measured, begun: float, trained: float) -> Epoch:
    """An epoch that ends now; `begun` and `trained` are when its training began and ended, by `perf_counter`."""
    ended = time.perf_counter()
    return Epoch(
        epoch=number,
        train_loss=train.loss,
        train_accuracy=train.accuracy,
        val_loss=val.loss,
        val_accuracy=val.accuracy,
        seconds=ended - begun,
        train_seconds=trained - begun,
        val_seconds=ended - trained,
    )
