"""An exponential moving average (EMA) of a model's weights, updated after every training step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
from keras import ops


class WeightAverage:
    """The average of every weight, batch-norm's statistics included, so that both belong together.

    The first weights, which are random, must not stay in it: its decay is at most (1 + n) / (10 + n) after n steps, so
    that it is an average over about the last tenth of a short training.

    Args:
        model: compiled, with its first weights.
        decay: of a long training, such as 0.999.

    Attributes:
        variables: the averages, float32, in the order of the model's weights.
    """

    def __init__(self, model: keras.Model, decay: float) -> None:
        self._decay, self._optimizer = decay, model.optimizer
        self._weights = [weight for weight in model.weights if weight.dtype == "float32"]
        self.variables = [
            keras.Variable(ops.convert_to_numpy(weight), trainable=False, dtype="float32") for weight in self._weights
        ]

    def update(self) -> None:
        """Include the weights after the step that has just been made; usable in a compiled function."""
        steps = ops.cast(self._optimizer.iterations, "float32")
        share = 1 - ops.minimum(self._decay, (1 + steps) / (10 + steps))
        for average, weight in zip(self.variables, self._weights, strict=True):
            average.assign(average + share * (weight - average))

    def adopt(self) -> None:
        """Give the model the averages as its weights."""
        _assign(self._weights, _values(self.variables))

    @contextmanager
    def adopted(self) -> Iterator[None]:
        """Inside this block the model has the averages as its weights; after it, its own."""
        own = _values(self._weights)
        self.adopt()
        try:
            yield
        finally:
            _assign(self._weights, own)


def _values(variables: list[keras.Variable]) -> list[np.ndarray]:
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: list[keras.Variable], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
