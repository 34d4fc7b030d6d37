"""The gradient of one part of a batch on JAX, compiled for each size of part."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from greycard.backend.averaging import WeightAverage
from greycard.backend.part_computer import Layout, PartComputer


class JaxPart(PartComputer):
    """See `PartComputer`."""

    def __init__(self, model: keras.Model, layout: Layout, average: WeightAverage | None) -> None:
        super().__init__(model, layout, average)
        rest = model.non_trainable_variables
        self._places = [next(at for at, one in enumerate(rest) if one is each) for each in layout.others]
        self._changed: tuple[Sequence[keras.Variable], ...] = (
            layout.trained,
            layout.others,
            model.optimizer.variables,
            average.variables if average else [],
        )
        self._sums, self._apply, self._outputs = map(jax.jit, (self._summed, self._applied, self._predicted))

    def sums(self, images: np.ndarray, targets: np.ndarray, whole: int, seed: int) -> Any:
        return self._sums(*self._values(), images, targets, np.float32(whole))

    def apply(self, total: np.ndarray) -> None:
        values = [[each.value for each in group] for group in self._changed]
        for group, new in zip(self._changed, self._apply(values, total), strict=True):
            for variable, value in zip(group, new, strict=True):
                variable.assign(value)

    def predict(self, images: np.ndarray) -> np.ndarray:
        return np.asarray(self._outputs(*self._values(), images))

    def _values(self) -> tuple[list[Any], list[Any]]:
        groups = self._layout.trained, self._model.non_trainable_variables
        trained, rest = ([each.value for each in group] for group in groups)
        return trained, rest

    def _summed(self, trained: Any, rest: Any, images: Any, targets: Any, whole: Any) -> Any:
        share = images.shape[0] / whole
        find = jax.value_and_grad(partial(self._loss, images=images, targets=targets, whole=whole), has_aux=True)
        (loss, (after, outputs)), gradients = find(trained, rest)
        changes = [(after[at] - rest[at]) * share for at in self._places]
        return self._layout.pack(gradients, changes, loss, self._objective.count_right(targets, outputs, "float32"))

    def _loss(self, trained: Any, rest: Any, images: Any, targets: Any, whole: Any) -> Any:
        outputs, rest, more = self._model.stateless_call(trained, rest, images, training=True, return_losses=True)
        loss = jnp.sum(self._objective.loss(targets, outputs)) / whole
        return loss + sum(more) * (images.shape[0] / whole), (rest, outputs)

    def _applied(self, values: Any, total: Any) -> Any:
        trained, others, optimizer, average = values
        gradients, changes = self._layout.unpack(total)
        others = [each + change for each, change in zip(others, changes, strict=True)]
        trained, optimizer = self._model.optimizer.stateless_apply(optimizer, gradients, trained)
        after = [list(trained), others, list(optimizer), average]
        return [*after[:-1], self._averaged(after)] if self._average else after

    def _averaged(self, values: list[Any]) -> list[Any]:
        """The average's new values."""
        assert self._average
        groups = zip(self._changed, values, strict=True)
        known = [pair for group, new in groups for pair in zip(group, new, strict=True)]
        with keras.StatelessScope(state_mapping=known) as scope:
            self._average.update()
        return [scope.get_current_value(variable) for variable in self._average.variables]

    def _predicted(self, trained: Any, rest: Any, images: Any) -> Any:
        return self._model.stateless_call(trained, rest, images, training=False)[0]
