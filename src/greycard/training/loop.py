"""The training loop: trains epoch by epoch and measures after each epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import keras
import numpy as np

from greycard.backend.averaging import WeightAverage
from greycard.backend.inference import by_keras
from greycard.backend.steps import Steps, steps_for, steps_in_parts
from greycard.core.clock import Clock
from greycard.core.epoch import Epoch
from greycard.core.reporter import Reporter
from greycard.evaluation.numbers import NumberScores
from greycard.evaluation.reach import Reach
from greycard.models.mixed_precision import mixed_precision
from greycard.training.callbacks import Callback
from greycard.training.checkpoint import TrainState
from greycard.training.checkpointer import Checkpointer
from greycard.training.group import agreed_epoch, agreed_seconds, expect_same_work, predict
from greycard.training.setup import TrainSetup
from greycard.training.stopping import Rule, divergence, stopping_rules, unfinished_schedule, will_not_finish


@dataclass(frozen=True)
class Measured:
    """A model's metrics on one split.

    Attributes:
        loss: None if it is NaN or infinite.
        accuracy: a fraction; None for a task without one class per image.
        numbers: the errors of a regression on images, if they were measured.
        reach: of its prediction intervals, if they were calibrated on these images.
    """

    loss: float | None
    accuracy: float | None
    numbers: NumberScores | None = None
    reach: Reach | None = None

    @classmethod
    def of(cls, figures: Mapping[str, float]) -> Measured:
        """From `loss`, and `accuracy` if the task has classes. NaN and infinity become None, as in JSON."""
        finite = {name: value for name, value in figures.items() if math.isfinite(value)}
        return cls(finite.get("loss"), finite.get("accuracy"))


@dataclass(frozen=True)
class FitResult:
    """The result of training.

    Attributes:
        history: every epoch.
        stopped: why it ended early, if it did.
        kept: the best epoch, from 1, if the model has its weights; None if it has the last epoch's.
        outputs: the final model's outputs on validation, float32 (n, units).
        val: its figures there.
        train_eval: the same on the training images without augmentation.
        resumed: number of times the run was resumed.
    """

    history: list[Epoch]
    stopped: str | None
    kept: int | None
    outputs: np.ndarray
    val: Measured
    train_eval: Measured
    resumed: int


def fit(
    setup: TrainSetup, checkpointer: Checkpointer, callbacks: Sequence[Callback], reporter: Reporter, clock: Clock
) -> FitResult:
    """Train from the newest checkpoint, or from the start, and measure after every epoch.

    Args:
        setup: the model, the data and the recipe.
        checkpointer: saves and restores the state.
        callbacks: called before and after every epoch.
        reporter: shows progress.
        clock: measures the parts of the time.

    Raises:
        InterruptedRunError: the user interrupted training; the state is saved.
        GreycardError: the checkpoint is from other data or another model.
    """
    return Loop(setup, checkpointer, callbacks, reporter, clock).run()


class Loop:
    """One training; see `fit`."""

    def __init__(
        self,
        setup: TrainSetup,
        checkpointer: Checkpointer,
        callbacks: Sequence[Callback],
        reporter: Reporter,
        clock: Clock,
    ) -> None:
        self._setup, self._loaders, self._epochs = setup, setup.loaders, setup.recipe.training.epochs
        self._checkpointer, self._callbacks, self._reporter, self._clock = checkpointer, callbacks, reporter, clock
        expect_same_work(setup)
        ema = setup.recipe.optimizer.ema
        self._average = WeightAverage(setup.network, ema) if ema and not setup.head_fit else None
        self._steps = self._chosen_steps()
        images = len(self._loaders.train.split), len(self._loaders.validation.split)
        self._spent = agreed_seconds(setup.exchange, clock.total)
        self._rules: Sequence[Rule] = stopping_rules(setup.recipe, *images, self._spent)

    def run(self) -> FitResult:
        state = self._checkpointer.restore(self._setup.network, self._steps, self._average)
        if state.resumed:
            self._reporter.log(f"resuming {state.place}")
        for callback in self._callbacks:
            callback.begin(self._setup.network, self._epochs, state.history)
        stopped = state.stopped or self._replayed(state.history)
        outputs: np.ndarray | None = None
        while state.epoch < self._epochs and not stopped:
            last, outputs = self._epoch(state)
            self._checkpointer.check_finite()
            stopped = divergence(state.history, self._epochs, self._checkpointer.non_finite)
            if stopped:
                self._end_callbacks()
                return self._measured(state, f"{stopped}; {self._rolled_back(state)}", None)
            stopped = self._after_epoch(last, state)
            state.stopped = stopped or ""
            self._checkpointer.after_step(state)
        if self._average:
            self._average.adopt()
        if self._end_callbacks():
            outputs = None
        result = self._measured(state, stopped, outputs)
        self._checkpointer.after_step(state)
        return result

    def _chosen_steps(self) -> Steps:
        setup, training = self._setup, self._setup.recipe.training
        if training.parts > 1:
            return steps_in_parts(setup.network, training.parts, training.seed, setup.exchange, self._average)
        return steps_for(setup.network, self._loaders.train.batch_size, setup.steps, setup.choices, self._average)

    def _after_epoch(self, last: Epoch, state: TrainState) -> str | None:
        """Keep the best weights and call the rules and callbacks; returns the first reason to stop."""
        cut_off = will_not_finish(self._setup.recipe, state.history, self._spent)
        if cut_off:
            self._reporter.log(cut_off)
        with self._measured_weights():
            if self._checkpointer.best:
                self._checkpointer.best.update(state.history)
            return self._why_stop(last, [each.epoch(last) for each in self._callbacks])  # call all of them

    def _measured_weights(self) -> AbstractContextManager[None]:
        """Inside this block the model has the weights that are validated and saved: the average, if there is one."""
        return self._average.adopted() if self._average else nullcontext()

    def _end_callbacks(self) -> bool:
        """End all callbacks; True if one may have changed the weights since the last epoch."""
        changed = [callback.end() for callback in self._callbacks]
        return any(changed)

    def _epoch(self, state: TrainState) -> tuple[Epoch, np.ndarray]:
        """Train one epoch and measure; returns the epoch's metrics and the outputs on the validation images."""
        number, validation = state.epoch + 1, self._loaders.validation
        self._reporter.epoch_begins(number, self._epochs, len(self._loaders.train.split))
        begun, before = time.perf_counter(), state.epoch_seconds
        for callback in self._callbacks:
            callback.before_epoch(number)
        with mixed_precision(self._setup.network, self._setup.recipe.training.precision):
            train = Measured.of(self._train(state))
        trained = time.perf_counter()
        with self._clock("validation"), self._measured_weights():
            outputs = predict(self._steps.predict, validation, self._setup.exchange)
            rows = self._setup.choice_rows
            val = Measured.of(self._setup.task.measure(validation.split.labels[rows], outputs[rows]))
        epoch = _figures(number, train, val, self._learning_rate(), begun - before, trained)
        epoch = agreed_epoch(self._setup.exchange, epoch, self._setup.network)
        state.history.append(epoch)
        state.epoch, state.batch, state.epoch_seconds = number, 0, 0.0
        with self._clock("saving"):
            for callback in self._callbacks:
                callback.record(epoch)
        self._reporter.epoch_ends(epoch)
        return epoch, outputs

    def _train(self, state: TrainState) -> dict[str, float]:
        if state.epoch == 0 and self._setup.head_fit:
            with self._clock("compute"):
                return self._setup.head_fit.fit(lambda: self._checkpointer.after_step(state))
        train, begun, before = self._loaders.train, time.perf_counter(), state.epoch_seconds
        batches = train.epoch(state.epoch, self._steps.steps_per_execution, state.batch)
        for images, labels in self._clock.waiting_for(batches):
            with self._clock("compute"):
                self._steps.train(images, labels)
            state.batch += -(-len(images) // train.batch_size)
            state.epoch_seconds = before + time.perf_counter() - begun
            self._reporter.images_done(min(state.batch * train.batch_size, len(train.split)))
            if not self._checkpointer.after_step(state):
                break
        with self._clock("compute"):
            return self._steps.result()

    def _learning_rate(self) -> float:
        """The optimizer's current learning rate; a callback may have changed it."""
        rate = float(keras.ops.convert_to_numpy(self._setup.network.optimizer.learning_rate))
        return float(f"{rate:.6g}")  # float32 has no more digits

    def _replayed(self, history: Sequence[Epoch]) -> str | None:
        """Replay the stopping rules over a resumed run's history; the first reason to stop."""
        reasons = [self._why_stop(epoch) for epoch in history]
        return next((why for why in reasons if why), None)

    def _why_stop(self, epoch: Epoch, others: Sequence[str | None] = ()) -> str | None:
        """The first reason of a rule, or of the `others`, and what it means for the schedule."""
        reasons = [*[rule(epoch) for rule in self._rules], *others]
        cut_off = unfinished_schedule(self._setup.recipe, epoch.epoch)
        return next((why + cut_off for why in reasons if why), None)

    def _rolled_back(self, state: TrainState) -> str:
        """Restore the best epoch's weights, or the last checkpoint before the epoch that diverged."""
        best = self._checkpointer.best
        if best and best.epoch:
            return f"the model has the weights of epoch {best.epoch}, the best epoch before it"
        place = self._checkpointer.rollback(state.epoch - 1)
        if self._average:
            self._average.adopt()
        return f"the model is from the checkpoint {place}" if place else "there is no checkpoint from before that epoch"

    def _kept(self, state: TrainState) -> int | None:
        """Restore the best epoch's weights if they are kept, and the final weights do not exist yet."""
        best = self._checkpointer.best
        if best is None:
            return None
        return (best.epoch or None) if state.finished else best.restore()

    def _finished(self, state: TrainState) -> bool:
        """Let the head's fit change the final weights, once; True if they are not those of the last epoch."""
        if self._setup.head_fit and not state.finished:
            sentence = self._setup.head_fit.finish()
            state.finished = sentence is not None
            if sentence:
                self._reporter.log(sentence)
        return state.finished

    def _measured(self, state: TrainState, stopped: str | None, outputs: np.ndarray | None) -> FitResult:
        """Measure the saved model on both splits; `outputs` are the trained network's on validation, if known."""
        saved, task = self._setup.saved, self._setup.task
        kept = self._kept(state)
        if self._finished(state):
            outputs = None
        same = saved.network is self._setup.network
        if not same or kept not in (None, state.epoch):
            outputs = None
        engine = self._steps.predict if same else by_keras(saved.network)
        with self._clock("validation"), self._reporter.status("measuring the training images without augmentation"):
            known = outputs if outputs is not None else predict(engine, saved.validation, self._setup.exchange)
            val = Measured.of(task.measure(saved.validation.split.labels, known))
            unaugmented = predict(engine, saved.unaugmented, self._setup.exchange)
            train_eval = Measured.of(task.measure(saved.unaugmented.split.labels, unaugmented))
        return FitResult(state.history, stopped, kept, known, val, train_eval, state.resumed)


def _figures(number: int, train: Measured, val: Measured, learning_rate: float, begun: float, trained: float) -> Epoch:
    """The record of an epoch that ends now; `begun` and `trained` are the `perf_counter` times of its training."""
    ended = time.perf_counter()
    return Epoch(
        epoch=number,
        train_loss=train.loss,
        train_accuracy=train.accuracy,
        val_loss=val.loss,
        val_accuracy=val.accuracy,
        learning_rate=learning_rate,
        seconds=ended - begun,
        train_seconds=trained - begun,
        val_seconds=ended - trained,
    )
