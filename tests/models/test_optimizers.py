"""Optimizers and schedules agree with the recipe, with Keras and with their formulas."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from greycard.models.optimizers import OPTIMIZERS, build_optimizer, slots
from greycard.models.schedules import TableSchedule, learning_rate
from greycard.recipe import Recipe
from greycard.recipe.optimizer import OPTIMIZERS as KINDS
from greycard.recipe.optimizer import OptimizerConfig


def test_every_kind_of_a_recipe_is_in_the_table() -> None:
    assert tuple(OPTIMIZERS) == KINDS


EVERY_SETTING = [
    {"kind": "adam"},
    {"kind": "adam", "clip_norm": 0.5},
    {"kind": "adamw", "weight_decay": 0.1},
    {"kind": "rmsprop"},
    {"kind": "rmsprop", "momentum": 0.9, "weight_decay": 0.1},
    {"kind": "sgd"},
    {"kind": "sgd", "momentum": 0.9},
    {"kind": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "clip_norm": 0.5},
]


def _name(settings: dict[str, Any]) -> str:
    return "-".join(map(str, settings.values()))


@pytest.mark.parametrize("settings", EVERY_SETTING, ids=_name)
def test_an_optimizer_keeps_as_many_numbers_as_the_table_says(settings: dict[str, Any]) -> None:
    config = OptimizerConfig(learning_rate=0.25, **settings)
    weight = keras.Variable([[1.0, 2.0, 3.0]])
    optimizer = build_optimizer(config, config.learning_rate, [weight])
    optimizer.build([weight])
    assert sum(variable.shape == weight.shape for variable in optimizer.variables) == slots(config)
    assert float(optimizer.learning_rate) == 0.25


class _Reference:
    """The formulas of the optimizers in NumPy, in float64."""

    def __init__(self, config: OptimizerConfig, weights: list[np.ndarray]) -> None:
        self.config, self.weights, self.steps = config, weights, 0
        self.first, self.second = ([np.zeros_like(weight) for weight in weights] for _ in range(2))

    def apply(self, gradients: list[np.ndarray], rate: float) -> None:
        config = self.config
        self.steps += 1
        norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
        scale = min(1.0, config.clip_norm / norm) if config.clip_norm else 1.0
        for place, gradient in enumerate(gradients):
            if self.weights[place].ndim > 1:
                self.weights[place] = self.weights[place] * (1 - rate * config.weight_decay)
            self.weights[place] = self.weights[place] + getattr(self, f"_{config.kind}")(place, scale * gradient, rate)

    def _sgd(self, place: int, gradient: np.ndarray, rate: float) -> np.ndarray:
        self.first[place] = self.config.momentum * self.first[place] - rate * gradient
        ahead = self.config.momentum * self.first[place] - rate * gradient
        return ahead if self.config.nesterov else self.first[place]

    def _rmsprop(self, place: int, gradient: np.ndarray, rate: float) -> np.ndarray:
        self.second[place] = 0.9 * self.second[place] + 0.1 * gradient**2
        step = rate * gradient / np.sqrt(self.second[place] + 1e-7)
        self.first[place] = self.config.momentum * self.first[place] + step
        return -self.first[place]

    def _adam(self, place: int, gradient: np.ndarray, rate: float) -> np.ndarray:
        self.first[place] = 0.9 * self.first[place] + 0.1 * gradient
        self.second[place] = 0.999 * self.second[place] + 0.001 * gradient**2
        corrected = rate * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        return -corrected * self.first[place] / (np.sqrt(self.second[place]) + 1e-7)

    _adamw = _adam


@pytest.mark.small_project
@pytest.mark.parametrize("settings", EVERY_SETTING, ids=_name)
def test_every_step_of_an_optimizer_follows_its_formula(settings: dict[str, Any]) -> None:
    """Clipping by the norm of all gradients, no decay of a bias, and a learning rate that changes in every step."""
    config, draws, rates = OptimizerConfig(**settings), np.random.default_rng(2), [0.05, 0.1, 0.02, 0.01]
    values = [draws.normal(size=shape) for shape in [(3, 4), (4,), (4, 2)]]
    weights = [keras.Variable(value, dtype="float32") for value in values]
    reference = _Reference(config, values)
    optimizer = build_optimizer(config, TableSchedule(rates), weights)
    optimizer.build(weights)
    for rate in rates:
        gradients = [draws.normal(size=weight.shape) for weight in weights]
        optimizer.apply([ops.convert_to_tensor(gradient, "float32") for gradient in gradients], weights)
        reference.apply(gradients, rate)
        for weight, expected in zip(weights, reference.weights, strict=True):
            np.testing.assert_allclose(ops.convert_to_numpy(weight), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.small_project
def test_a_schedule_is_the_recipes_formula_in_float32_and_ends_with_its_last_rate() -> None:
    recipe = Recipe.make("r", "d", learning_rate=0.3, schedule="onecycle")
    schedule = learning_rate(recipe, 50)
    assert isinstance(schedule, TableSchedule)
    found = [float(ops.convert_to_numpy(schedule(ops.convert_to_tensor(step)))) for step in range(50)]
    assert found == [float(np.float32(0.3 * recipe.schedule.fraction(step, 50))) for step in range(50)]
    assert float(ops.convert_to_numpy(schedule(ops.convert_to_tensor(99)))) == found[-1]
    assert learning_rate(recipe.replace(schedule="constant"), 50) == 0.3


def test_the_default_learning_rate_follows_the_kind() -> None:
    def rate(recipe: Recipe) -> float:
        return recipe.optimizer.learning_rate

    adam = Recipe.make("r", "d")
    assert rate(adam) == 0.001
    assert rate(Recipe.make("r", "d", optimizer="sgd")) == rate(adam.replace(optimizer="sgd")) == 0.01
    assert rate(Recipe.from_json({"name": "r", "data": {"dataset": "d"}, "optimizer": {"kind": "sgd"}})) == 0.01
    assert rate(Recipe.make("r", "d", optimizer="sgd", learning_rate=0.1).replace(optimizer="adam")) == 0.001
    assert rate(adam.replace(optimizer="sgd", learning_rate=0.5)) == 0.5
    assert rate(adam.replace(learning_rate=3e-4).replace(optimizer="rmsprop")) == 3e-4  # rates of the same scale
    assert rate(adam.replace(learning_rate=3e-4).replace(optimizer="adam", clip_norm=1)) == 3e-4
    assert rate(adam.replace(learning_rate=3e-4).replace(learning_rate=None)) == 0.001
