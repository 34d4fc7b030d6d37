"""The table of optimizers agrees with the recipe and with Keras."""

from __future__ import annotations

import keras
import pytest

from greycard.models.optimizers import OPTIMIZERS, build_optimizer
from greycard.recipe.optimizer import OPTIMIZERS as KINDS
from greycard.recipe.optimizer import OptimizerConfig


def test_every_kind_of_a_recipe_is_in_the_table() -> None:
    assert tuple(OPTIMIZERS) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_an_optimizer_keeps_as_many_numbers_as_the_table_says(kind: str) -> None:
    optimizer = build_optimizer(OptimizerConfig(kind=kind, learning_rate=0.25))
    weight = keras.Variable([[1.0, 2.0, 3.0]])
    optimizer.build([weight])
    assert sum(variable.shape == weight.shape for variable in optimizer.variables) == OPTIMIZERS[kind].slots
    assert float(optimizer.learning_rate) == 0.25
