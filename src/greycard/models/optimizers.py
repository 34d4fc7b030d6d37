"""The table of optimizers: how each is built, and the memory it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from greycard.recipe.optimizer import OptimizerConfig


@dataclass(frozen=True)
class Optimizer:
    """One optimizer.

    Attributes:
        build: Keras's class.
        slots: from a config to the numbers that it keeps for each weight.
        arguments: those of its settings that are arguments of Keras's class.
    """

    build: type[keras.optimizers.Optimizer]
    slots: Callable[[OptimizerConfig], int]
    arguments: tuple[str, ...] = ()


OPTIMIZERS = {
    "adam": Optimizer(keras.optimizers.Adam, lambda config: 2),
    "adamw": Optimizer(keras.optimizers.AdamW, lambda config: 2),
    "rmsprop": Optimizer(keras.optimizers.RMSprop, lambda config: 1 + bool(config.momentum), ("momentum",)),
    "sgd": Optimizer(keras.optimizers.SGD, lambda config: int(bool(config.momentum)), ("momentum", "nesterov")),
}


def slots(config: OptimizerConfig) -> int:
    """How many numbers the optimizer keeps for each trained weight."""
    return OPTIMIZERS[config.kind].slots(config)


def build_optimizer(
    config: OptimizerConfig,
    rate: float | keras.optimizers.schedules.LearningRateSchedule,
    weights: Sequence[keras.Variable],
) -> keras.optimizers.Optimizer:
    """The optimizer that a recipe asks for.

    Args:
        config: the recipe's.
        rate: the learning rate or its schedule.
        weights: the trained weights; those with one axis (biases, and batch-norm's scales) do not decay.
    """
    kind = OPTIMIZERS[config.kind]
    settings: dict[str, Any] = {name: getattr(config, name) for name in kind.arguments}
    if config.weight_decay:
        settings["weight_decay"] = config.weight_decay
    optimizer = kind.build(learning_rate=rate, global_clipnorm=config.clip_norm, **settings)
    if config.weight_decay:
        optimizer.exclude_from_weight_decay([weight for weight in weights if len(weight.shape) < 2])
    return optimizer
