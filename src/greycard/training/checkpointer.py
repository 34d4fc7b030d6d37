"""Write checkpoints: often enough that a crash loses little, rarely enough that they cost almost nothing."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from greycard.backend import random_state, set_random_state
from greycard.backend.averaging import WeightAverage
from greycard.backend.exchange import Alone, Exchange
from greycard.backend.steps import Steps
from greycard.core.clock import Clock
from greycard.core.errors import GreycardError, GreycardWarning, command
from greycard.training.best_weights import BestWeights
from greycard.training.checkpoint import BadNumbersError, TrainState, expect_finite, newest_checkpoint, write_checkpoint
from greycard.training.group import agreed_step, shared_state
from greycard.training.interruption import InterruptedRunError, Interruption, PausedRunError

SHARE = 0.01
"""Checkpoints may take this fraction of the time; a slow checkpoint delays the next one."""

_LEAST_SECONDS, _GUESSED_BYTES_A_SECOND = 0.5, 200e6
_AFTER_FAILURE_SECONDS = 60.0


class Checkpointer:
    """Writes a run's checkpoints and restores the newest one.

    Args:
        folder: the folder of the checkpoints.
        data: digest of the training and validation data.
        clock: measures the time that checkpoints take.
        interruption: checked after every step.
        keep: which weights the finished model gets: those of the `last` or the `best` epoch.
        exchange: between the workers of a group; worker 0 reads and writes for all of them.

    Attributes:
        best: the best epoch's weights, set by `restore`; None if the last epoch's are kept.
        non_finite: True if the last check found NaN or infinity.
    """

    def __init__(
        self,
        folder: Path,
        data: str,
        clock: Clock,
        interruption: Interruption,
        keep: str,
        exchange: Exchange | None = None,
    ) -> None:
        self._keep_best, self._exchange = keep == "best", exchange or Alone()
        self.best: BestWeights | None = None
        self._folder, self._data, self._clock, self._interruption = folder, data, clock, interruption
        self._due, self._saved, self._failed, self.non_finite = 0.0, "", False, False

    def restore(self, model: keras.Model, steps: Steps, average: WeightAverage | None = None) -> TrainState:
        """Restore the newest checkpoint into the model, its optimizer and its average, or start a new training.

        Raises:
            GreycardError: the checkpoint is from other data, another model or another backend.
        """
        model.optimizer.build(model.trainable_variables)
        averages = average.variables if average else []
        self._variables = [*model.variables, *model.optimizer.variables, *averages]
        self._weights, self._steps = model.trainable_variables, steps
        self.best = BestWeights(model) if self._keep_best else None
        self._wait(sum(np.prod(each.shape) * 4 for each in self._variables) / _GUESSED_BYTES_A_SECOND)
        found = self._load_newest()
        if found is None:
            return TrainState(
                self._data, backend=keras.backend.backend(), steps_per_execution=steps.steps_per_execution
            )
        self._clock.load_state(found.seconds)
        self._saved = found.place
        found.resumed += 1
        return found

    def after_step(self, state: TrainState) -> bool:
        """Save the state if it is due; False if it contains NaN or infinity, so that training should stop.

        Raises:
            InterruptedRunError: a signal requested the end of training; the state is saved first, if possible.
            PausedRunError: this is the end of the epoch after which training pauses; the state is saved first.
        """
        is_due = time.perf_counter() >= self._due
        received, is_due = agreed_step(self._exchange, self._interruption.received, is_due)
        if received:
            self._save(state)
            raise InterruptedRunError(self._folder.parent, self._saved, received)
        if state.epoch == self._interruption.pause_after and not (state.batch or state.stopped or state.finished):
            self._save(state)
            raise PausedRunError(self._folder.parent)
        if is_due:
            self._save(state)
        return not self.non_finite

    def check_finite(self) -> None:
        """Check the weights for NaN and infinity; saving a state checks all of it."""
        try:
            for weight in self._weights:
                expect_finite(keras.ops.convert_to_numpy(weight))
        except BadNumbersError:
            self.non_finite = True

    def rollback(self, before_epoch: int) -> str | None:
        """Restore the last checkpoint before this epoch, counted from 0; returns its position in words, or None."""
        found = self._load_newest(before_epoch)
        return None if found is None else found.place

    def _save(self, state: TrainState) -> None:
        """Skip non-finite states; if the disk is full, warn once and keep training."""
        begun = time.perf_counter()
        state.sums, state.seconds = self._steps.state(), self._clock.state()
        state.best = self.best.epoch if self.best else 0
        try:
            with self._clock("checkpoint"):
                if not all(map(math.isfinite, state.sums.values())):
                    raise BadNumbersError
                self._write(state)
            self._saved, self._failed = state.place, False
        except BadNumbersError:
            self.non_finite = True
        except OSError as error:
            self._warn_once(error)
        self._wait(time.perf_counter() - begun)

    def _write(self, state: TrainState) -> None:
        """Every worker looks for bad numbers, and comes to the same answer; one of them writes."""
        if self._exchange.rank == 0:
            write_checkpoint(self._folder, state, self._arrays())
        else:
            for array in self._arrays():
                expect_finite(array)

    def _wait(self, cost: float) -> None:
        least = _AFTER_FAILURE_SECONDS if self._failed else _LEAST_SECONDS
        self._due = time.perf_counter() + max(least, cost / SHARE)

    def _warn_once(self, error: OSError) -> None:
        if not self._failed:
            why = error.strerror or error
            warnings.warn(f"training continues, but a checkpoint was not saved: {why}", GreycardWarning, stacklevel=2)
        self._failed = True

    def _load_newest(self, before_epoch: int | None = None) -> TrainState | None:
        state, arrays = self._newest(before_epoch)
        if state is None:
            return None
        count = len(self._variables)
        for variable, value in zip(self._variables, arrays[:count], strict=True):
            variable.assign(value)
        set_random_state(arrays[count])
        if self.best:
            self.best.load(state.best, arrays[count + 1 :])
        self._steps.load_state(state.sums)
        return state

    def _newest(self, before_epoch: int | None) -> tuple[TrainState | None, list[np.ndarray]]:
        """Read the newest checkpoint that belongs to this model and these data."""
        found = newest_checkpoint(self._folder, before_epoch) if self._exchange.rank == 0 else None
        if found is not None:
            self._expect_same(*found)
        state, arrays = found or (None, [])
        return shared_state(self._exchange, state, arrays) if self._exchange.workers > 1 else (state, arrays)

    def _arrays(self) -> Iterator[np.ndarray]:
        """Everything that training changes, the random state, and the best epoch's weights, if there are any."""
        yield from (keras.ops.convert_to_numpy(variable) for variable in self._variables)
        yield random_state()
        yield from self.best.values if self.best else ()

    def _expect_same(self, state: TrainState, arrays: list[np.ndarray]) -> None:
        run, backend = self._folder.parent, keras.backend.backend()
        if state.backend != backend:
            raise GreycardError(
                f"{run} was started on {state.backend}; the current backend is {backend}",
                hint=f"`KERAS_BACKEND={state.backend} {command('resume', run)}`",
            )
        if state.data != self._data:
            raise GreycardError(
                f"{run} cannot be resumed: its images, their labels, how they are decoded, or its backbone's weights"
                " have changed",
                hint="restore them, or train again; greycard.resume(run, dataset) accepts a dataset made in Python",
            )
        shapes = [tuple(variable.shape) for variable in self._variables]
        best = self.best.shapes if self.best and state.best else []
        found = [array.shape for array in arrays]
        same = found[: len(shapes)] == shapes and found[len(shapes) + 1 :] == best
        if not same or state.steps_per_execution != self._steps.steps_per_execution:
            raise GreycardError(
                f"{run} cannot be resumed: its checkpoint is from a different model",
                hint="train it again; the new run gets its own folder",
            )
