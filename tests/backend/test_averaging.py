"""Schedules, momentum, decay, clipping and averaged weights in the fast steps are Keras's own, step by step."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from greycard import backend
from greycard.backend.averaging import WeightAverage
from greycard.backend.choices import Choices
from greycard.backend.steps import KerasSteps
from greycard.models.optimizers import build_optimizer
from greycard.models.schedules import learning_rate
from greycard.recipe import Recipe

SETTINGS: list[dict[str, Any]] = [
    {"optimizer": "adamw", "weight_decay": 0.1, "learning_rate": 0.01},
    {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "clip_norm": 0.3},
    {"optimizer": "rmsprop", "momentum": 0.5, "learning_rate": 0.003},
]
STEPS = 18


def _model(settings: dict[str, Any], *, dense: bool) -> keras.Model:
    """With batch norm, and compiled with a schedule over all steps."""
    backend.seed_everything(5)
    recipe = Recipe.make("r", "d", schedule="onecycle", **({"learning_rate": 0.1} | settings))
    inputs = keras.Input((8, 8, 1))
    x = inputs if dense else layers.BatchNormalization(momentum=0.5)(layers.Conv2D(3, 3, use_bias=False)(inputs))
    x = layers.Dense(6, activation="relu")(layers.Flatten()(x))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    optimizer = build_optimizer(recipe.optimizer, learning_rate(recipe, STEPS), model.trainable_variables)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _data() -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(3)
    return draws.random((22, 8, 8, 1), np.float32), draws.integers(0, 3, 22)


def _numbers(variables: list[keras.Variable]) -> list[np.ndarray]:
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


@pytest.mark.parametrize(
    ("settings", "dense", "compiled"),
    [
        (SETTINGS[0], True, True),
        pytest.param(SETTINGS[1], False, True, marks=pytest.mark.slow),
        (SETTINGS[2], False, False),
    ],
    ids=["adamw, all compiled", "nesterov, updates compiled", "rmsprop, not compiled"],
)
def test_the_fast_steps_train_and_average_as_keras_does(
    settings: dict[str, Any], dense: bool, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """22 images in batches of 4, three epochs: several steps per call where compiled, and smaller last batches."""
    pytest.importorskip("tensorflow")
    from greycard.backend import objective, tensorflow_steps

    monkeypatch.setattr(tensorflow_steps, "_WORTH_COMPILING", 0 if compiled else 1e18)
    images, labels = _data()
    found = []
    for fast in (True, False):
        model = _model(settings, dense=dense)
        assert objective.matches(model)
        average = WeightAverage(model, 0.9)
        steps = (
            tensorflow_steps.TensorFlowSteps(model, 4, STEPS, Choices(), average)
            if fast
            else KerasSteps(model, average)
        )
        size = 4 * steps.steps_per_execution
        for start in 3 * list(range(0, 22, size)):
            steps.train(images[start : start + size], labels[start : start + size])
        assert int(ops.convert_to_numpy(model.optimizer.iterations)) == STEPS
        found.append(_numbers([*model.weights, *average.variables]))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=1e-4)


@pytest.mark.small_project
def test_the_average_follows_its_formula_and_only_lends_its_weights() -> None:
    model, (images, labels) = _model(SETTINGS[1], dense=False), _data()
    average = WeightAverage(model, 0.3)
    steps, expected = KerasSteps(model, average), _numbers(model.weights)
    for step in range(1, 6):
        steps.train(images[:4], labels[:4])
        decay = min(0.3, (1 + step) / (10 + step))
        weights = _numbers(model.weights)
        expected = [decay * old + (1 - decay) * new for old, new in zip(expected, weights, strict=True)]
    averages = _numbers(average.variables)
    for ours, theirs in zip(averages, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    own = steps.predict(images)
    with average.adopted():
        assert all(map(np.array_equal, _numbers(model.weights), averages))
        assert np.abs(steps.predict(images) - own).max() > 1e-4
    assert all(map(np.array_equal, _numbers(model.weights), weights))
    assert np.array_equal(steps.predict(images), own)
