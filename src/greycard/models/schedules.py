"""Build the schedule of a recipe: a table with the learning rate of every training step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from greycard.recipe import Recipe


class TableSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of each step, read from a table.

    A table has the same float32 numbers on every backend, with and without compilation, and any formula can fill it.

    Args:
        rates: one per step; later steps have the last one.
    """

    def __init__(self, rates: Sequence[float]) -> None:
        self.rates = tuple(rates)
        self._table = ops.convert_to_tensor(np.array(self.rates, np.float32))

    def __call__(self, step: Any) -> Any:
        return ops.take(self._table, ops.minimum(step, len(self.rates) - 1))

    def get_config(self) -> dict[str, Any]:
        return {"rates": self.rates}


def learning_rate(recipe: Recipe, steps: int) -> float | TableSchedule:
    """The recipe's learning rate or, if it changes, its schedule over so many steps."""
    highest, schedule = recipe.optimizer.learning_rate, recipe.schedule
    if not schedule.changes:
        return highest
    return TableSchedule([highest * schedule.fraction(step, steps) for step in range(steps)])
