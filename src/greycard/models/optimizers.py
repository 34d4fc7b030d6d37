"""The table of optimizers: how each is built, and the memory it needs."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from greycard.recipe.optimizer import OptimizerConfig


@dataclass(frozen=True)
class Optimizer:
    """One optimizer.

    Attributes:
        build: Keras's class.
        slots: numbers that it keeps for each weight.
    """

    build: type[keras.optimizers.Optimizer]
    slots: int


OPTIMIZERS = {
    "adam": Optimizer(keras.optimizers.Adam, 2),
    "rmsprop": Optimizer(keras.optimizers.RMSprop, 1),
    "sgd": Optimizer(keras.optimizers.SGD, 0),
}


def build_optimizer(config: OptimizerConfig) -> keras.optimizers.Optimizer:
    """The optimizer that a recipe asks for."""
    return OPTIMIZERS[config.kind].build(learning_rate=config.learning_rate)
