"""What computes one part of a batch, and where each variable's numbers are in the part's share of the sums."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from greycard.backend.averaging import WeightAverage
from greycard.backend.objective import SUMS, Objective

_SEED_STATE = "seed_generator_state"


class Layout:
    """Where each variable's numbers are in the sums.

    Args:
        model: compiled.

    Attributes:
        trained: the trainable variables.
        others: float32 variables that layers change, such as the statistics of batch norm.
        seeds: the states of seed generators.
        unknown: what else layers change, which no sum over parts can express.
        length: of all sums.
    """

    def __init__(self, model: keras.Model) -> None:
        self.trained: list[keras.Variable] = model.trainable_variables
        self.seeds = [each for each in model.non_trainable_variables if each.path.endswith(_SEED_STATE)]
        changed = _changed_by_layers(model)
        self.others = [each for each in changed if each.dtype == "float32" and not each.trainable]
        known = {id(each) for each in (*self.others, *self.seeds)}
        self.unknown = [each for each in changed if id(each) not in known]
        self._shapes = [tuple(each.shape) for each in (*self.trained, *self.others)]
        self.length = sum(int(np.prod(shape)) for shape in self._shapes) + len(SUMS) - 1

    def pack(self, gradients: Sequence[Any], changes: Sequence[Any], loss: Any, right: Any) -> Any:
        """One array of all of them, in a function that a backend compiles."""
        single = [ops.reshape(ops.cast(each, "float32"), (1,)) for each in (loss, right)]
        return ops.concatenate([*(ops.reshape(each, (-1,)) for each in (*gradients, *changes)), *single])

    def unpack(self, total: Any) -> tuple[list[Any], list[Any]]:
        """The gradients and the changes."""
        found, start = [], 0
        for shape in self._shapes:
            size = int(np.prod(shape))
            found.append(ops.reshape(total[start : start + size], shape))
            start += size
        return found[: len(self.trained)], found[len(self.trained) :]


class PartComputer(ABC):
    """A model's computation of one part, by a backend.

    Args:
        model: a compiled model that `objective.matches` accepts.
        layout: of its variables.
        average: of the weights, updated after every step.
    """

    def __init__(self, model: keras.Model, layout: Layout, average: WeightAverage | None) -> None:
        self._model, self._layout, self._average = model, layout, average
        self._objective = Objective.of(model)

    @abstractmethod
    def sums(self, images: np.ndarray, targets: np.ndarray, whole: int, seed: int) -> Any:
        """A part's share in the sums of its batch, float32 (n,).

        They are the gradients of all trainable weights, the changes of other weights, and the loss and the number of
        correct predictions. The model itself does not change.

        Args:
            images: of the part, at least one.
            targets: as Keras's losses take them.
            whole: number of images in the batch.
            seed: of random numbers outside the model's seed generators.
        """

    @abstractmethod
    def apply(self, total: np.ndarray) -> None:
        """Update the weights, the optimizer and the average by the sum over all parts."""

    @abstractmethod
    def predict(self, images: np.ndarray) -> np.ndarray:
        """The outputs float32 (n, units) in inference mode."""


def _changed_by_layers(model: keras.Model) -> list[keras.Variable]:
    """The variables that layers assign in training, frozen weights not among them; found without computing anything."""
    watched = _Watched(model)
    watched.compute_output_spec(keras.KerasTensor((1, *model.inputs[0].shape[1:]), model.inputs[0].dtype))
    return [each for each in model.variables if watched.scope.get_current_value(each) is not None]


class _Watched(keras.Operation):
    """A model's training pass, whose assignments are in `scope` afterwards."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self._model = model

    def call(self, images: Any) -> Any:
        with keras.StatelessScope() as self.scope:
            return self._model(images, training=True)
