"""The weights of the best epoch so far, kept in memory and in every checkpoint, for `keep=best`."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from greycard.core.epoch import Epoch
from greycard.evaluation.metrics import best_epoch


class BestWeights:
    """A copy of the weights after the best epoch.

    Args:
        model: the model in training.

    Attributes:
        epoch: the best epoch, counted from 1; 0 before the first epoch.
        values: that epoch's weights, one array per weight in `model.weights`.
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
        """Set the epoch and the weights from a checkpoint."""
        self.epoch, self.values = epoch, values

    def restore(self) -> int | None:
        """Load the best weights into the model; returns their epoch, or None if there are none."""
        if not self.epoch:
            return None
        for weight, value in zip(self._weights, self.values, strict=True):
            weight.assign(value)
        return self.epoch

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The expected shapes of the best weights in a checkpoint."""
        return [tuple(weight.shape) for weight in self._weights]
