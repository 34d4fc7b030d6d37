"""The weights of the best epoch so far, held in memory and in every checkpoint, for `keep=best`."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from greycard.core.epoch import Epoch
from greycard.evaluation.metrics import best_epoch


class BestWeights:
    """A copy of the weights after the best epoch.

    Args:
        model: in training.

    Attributes:
        epoch: the epoch, from 1, whose weights are held; 0 while there are none.
        values: the held weights, an array for each of `model.weights`.
    """

    def __init__(self, model: keras.Model) -> None:
        self._weights = model.weights
        self.epoch = 0
        self.values: list[np.ndarray] = []

    def update(self, history: Sequence[Epoch]) -> None:
        """Copy the weights if the last epoch of `history` is the best one so far."""
        if best_epoch(history) is history[-1]:
            self.epoch = history[-1].epoch
            self.values = [np.array(keras.ops.convert_to_numpy(weight)) for weight in self._weights]

    def load(self, epoch: int, values: list[np.ndarray]) -> None:
        """Take what a checkpoint holds."""
        self.epoch, self.values = epoch, values

    def restore(self) -> int | None:
        """Put the held weights into the model; their epoch, or None if there are none."""
        if not self.epoch:
            return None
        for weight, value in zip(self._weights, self.values, strict=True):
            weight.assign(value)
        return self.epoch

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes that a checkpoint's held weights must have."""
        return [tuple(weight.shape) for weight in self._weights]
