"""Training steps on JAX: compiled functions of all variables, and no result read back between steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from greycard.backend.averaging import WeightAverage
from greycard.backend.execution import is_dense, steps_together
from greycard.backend.memory_parts import images_that_fit
from greycard.backend.objective import SUMS, Objective, restored, stored
from greycard.backend.steps import as_targets

_CALLS_AT_ONCE = 2
"""Calls that the device has not finished: enough to keep it busy, and their images are few in its memory."""


class JaxSteps:
    """See `Steps`.

    Keras's `train_on_batch` waits for the results of every batch and stores every variable again. Here the device works
    on one call's steps while Python loads the next images.

    Args:
        model: a compiled model that `objective.matches` accepts.
        batch_size: images per step.
        average: of the weights, updated after every step.
    """

    def __init__(self, model: keras.Model, batch_size: int, average: WeightAverage | None = None) -> None:
        self._model, self._batch_size, self._average = model, batch_size, average
        self._objective = Objective.of(model)
        model.optimizer.build(model.trainable_variables)
        self._groups: tuple[Sequence[keras.Variable], ...] = (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            average.variables if average else [],
        )
        self.steps_per_execution = steps_together(model, batch_size)
        self._step, self._loop, self._outputs = map(jax.jit, (self._next, self._repeated, self._predicted))
        # On a CPU, XLA runs the convolutions of a loop in one thread: five to twenty times slower.
        self._loops = jax.default_backend() != "cpu" or is_dense(model)
        self._predicted_at_once = images_that_fit(model, "float32")
        self._unread: list[list[Any]] = []
        self._sums = np.zeros(len(SUMS))

    def train(self, images: np.ndarray, labels: np.ndarray) -> None:
        targets, size, values = as_targets(labels), self._batch_size, self._values()
        sums: list[Any] = []
        whole = len(images) // size * size
        if self._loops and whole == self.steps_per_execution * size > size:
            values, found = self._loop(values, self._in_batches(images[:whole]), self._in_batches(targets[:whole]))
            sums.append(found)
        else:
            whole = 0
        for first in range(whole, len(images), size):
            values, found = self._step(values, images[first : first + size], targets[first : first + size])
            sums.append(found)
        self._keep(values, sums)

    def result(self) -> dict[str, float]:
        self._read()
        means = self._objective.means(self._sums)
        self.load_state({})
        return means

    def state(self) -> dict[str, float]:
        self._read()
        return stored(self._sums)

    def load_state(self, sums: dict[str, float]) -> None:
        self._unread, self._sums = [], np.array(restored(sums))

    def predict(self, images: np.ndarray) -> np.ndarray:
        values, size = self._values()[:2], min(self._predicted_at_once, len(images))
        parts = (images[first : first + size] for first in range(0, len(images), size))
        return np.concatenate([self._outputs(values, _filled(part, size))[: len(part)] for part in parts])

    def _in_batches(self, array: np.ndarray) -> np.ndarray:
        return array.reshape(-1, self._batch_size, *array.shape[1:])

    def _values(self) -> list[list[Any]]:
        return [[variable.value for variable in group] for group in self._groups]

    def _keep(self, values: list[list[Any]], sums: list[Any]) -> None:
        for group, new in zip(self._groups, values, strict=True):
            for variable, value in zip(group, new, strict=True):
                variable.assign(value)
        self._unread.append(sums)
        self._read(_CALLS_AT_ONCE - 1)

    def _read(self, left: int = 0) -> None:
        """Add the sums of all calls but the last ones: step by step in float64, however many steps a call has."""
        while len(self._unread) > left:
            for each in self._unread.pop(0):
                for row in np.asarray(each, np.float64).reshape(-1, len(SUMS)):
                    self._sums = self._sums + row

    def _repeated(self, values: Any, images: Any, targets: Any) -> Any:
        """All steps of batches (steps, b, …)."""
        return jax.lax.scan(lambda values, batch: self._next(values, *batch), values, (images, targets))

    def _next(self, values: Any, images: Any, targets: Any) -> Any:
        """The values of all variables after one step, and its sums float32 (3,)."""
        trained, others, optimizer, average = values
        find = jax.value_and_grad(partial(self._loss, images=images, targets=targets), has_aux=True)
        (loss, (others, outputs)), gradients = find(trained, others)
        trained, optimizer = self._model.optimizer.stateless_apply(optimizer, gradients, trained)
        average = self._averaged([trained, others, optimizer, average]) if self._average else average
        after = [list(trained), list(others), list(optimizer), list(average)]
        return after, self._objective.sums(loss, targets, outputs, "float32")

    def _loss(self, trained: Any, others: Any, images: Any, targets: Any) -> Any:
        outputs, others, more = self._model.stateless_call(trained, others, images, training=True, return_losses=True)
        return jnp.mean(self._objective.loss(targets, outputs)) + sum(more), (others, outputs)

    def _averaged(self, values: list[Any]) -> list[Any]:
        """The average's new values."""
        assert self._average
        known = [pair for group, new in zip(self._groups, values, strict=True) for pair in zip(group, new, strict=True)]
        with keras.StatelessScope(state_mapping=known) as scope:
            self._average.update()
        return [scope.get_current_value(variable) for variable in self._average.variables]

    def _predicted(self, values: Any, images: Any) -> Any:
        return self._model.stateless_call(*values, images, training=False)[0]


def _filled(images: np.ndarray, size: int) -> np.ndarray:
    """With zeros to this number of images: JAX compiles for each new shape."""
    missing = size - len(images)
    return np.pad(images, [(0, missing)] + [(0, 0)] * (images.ndim - 1)) if missing else images
