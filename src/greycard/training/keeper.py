"""Keeping a training's state: often enough to lose little, seldom enough to cost next to nothing."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from greycard.backend import random_state, set_random_state
from greycard.backend.steps import Steps
from greycard.errors import GreycardError, GreycardWarning
from greycard.training.checkpoint import (
    BadNumbersError,
    Progress,
    newest_checkpoint,
    remove_checkpoints,
    write_checkpoint,
)
from greycard.training.clock import Clock
from greycard.training.interruption import InterruptedRunError, Interruption

SHARE = 0.01
"""Of the time, what checkpoints may take: the next is due when the last one took this share of the time since."""

_LEAST_SECONDS, _GUESSED_BYTES_A_SECOND = 0.5, 100e6


class Keeper:
    """Writes a run's checkpoints, and finds the newest.

    Args:
        folder: of the checkpoints.
        data: the digest of what is learnt from and measured on.
        clock: told what it costs.
        interruption: asked after every step.

    Attributes:
        bad: whether the state had numbers that are none when it was last looked at.
    """

    def __init__(self, folder: Path, data: str, clock: Clock, interruption: Interruption) -> None:
        self._folder, self._data, self._clock, self._interruption = folder, data, clock, interruption
        self._kept, self._cost, self.bad = time.perf_counter(), 0.0, False

    def begin(self, model: keras.Model, steps: Steps) -> Progress:
        """The state that was kept last put back into the model and its optimizer, or a new training's.

        Raises:
            GreycardError: that was another data set's state, or another model's.
        """
        model.optimizer.build(model.trainable_variables)
        self._variables = [*model.variables, *model.optimizer.variables]
        self._steps = steps
        self._cost = sum(np.prod(each.shape) * 4 for each in self._variables) / _GUESSED_BYTES_A_SECOND
        found = self._put_back()
        if found is None:
            return Progress(self._data)
        self._clock.go_on(found.seconds)
        found.resumed += 1
        self._kept = time.perf_counter()
        return found

    def after_step(self, progress: Progress) -> bool:
        """Keep the state if it is time; False where it has numbers that are none, and there is no sense in going on.

        Raises:
            InterruptedRunError: someone asked to end; the state is kept.
        """
        if self._interruption.asked:
            self.keep(progress)
            raise InterruptedRunError(self._folder.parent, progress.place, self._interruption.asked)
        if time.perf_counter() - self._kept < max(_LEAST_SECONDS, self._cost / SHARE):
            return True
        return self.keep(progress)

    def keep(self, progress: Progress) -> bool:
        """Keep the state now; False where it has numbers that are none. A disk that has no room ends no training."""
        begun = time.perf_counter()
        progress.sums, progress.seconds = self._steps.sums(), self._clock.reading()
        try:
            with self._clock("checkpoint"):
                if not all(map(math.isfinite, progress.sums.values())):
                    raise BadNumbersError
                write_checkpoint(self._folder, progress, self._arrays())
        except BadNumbersError:
            self.bad = True
        except OSError as error:
            why = error.strerror or error
            warnings.warn(f"training goes on, but its state could not be kept: {why}", GreycardWarning, stacklevel=2)
        finally:
            self._kept = time.perf_counter()
            self._cost = self._kept - begun
        return not self.bad

    def back_to_good(self) -> str | None:
        """The last kept state put back into the model; where that was, or None if none was kept."""
        found = self._put_back()
        return None if found is None else found.place

    def _put_back(self) -> Progress | None:
        kept = newest_checkpoint(self._folder)
        if kept is None:
            remove_checkpoints(self._folder)  # damaged ones, all told of
            return None
        progress, arrays = kept
        self._expect_same(progress, arrays)
        *values, random = arrays
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)
        set_random_state(random)
        self._steps.go_on(progress.sums)
        return progress

    def _arrays(self) -> Iterator[np.ndarray]:
        """All that training changes; last the random state."""
        yield from (keras.ops.convert_to_numpy(variable) for variable in self._variables)
        yield random_state()

    def _expect_same(self, progress: Progress, arrays: list[np.ndarray]) -> None:
        run = self._folder.parent
        if progress.data != self._data:
            raise GreycardError(
                f"{run} cannot go on: its pictures, their labels or how they are decoded are no longer what it began"
                " with",
                hint="put the data back as it was, or train anew",
            )
        if [array.shape for array in arrays[:-1]] != [tuple(variable.shape) for variable in self._variables]:
            raise GreycardError(f"{run} cannot go on: what it kept is of another model", hint="train it anew")
