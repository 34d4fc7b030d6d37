"""Measure the operations and the whole training steps of a recipe's network on random pixels."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from greycard import backend
from greycard.backend.choices import Measured
from greycard.backend.memory_parts import part_size
from greycard.backend.steps import choices_for, steps_for
from greycard.backend.tensorflow_forward import shapes
from greycard.backend.tensorflow_tune import measure
from greycard.models.build import build_model
from greycard.models.mixed_precision import mixed_precision
from greycard.recipe import Recipe

_STEPS = 1_000_000
"""Of a training that is long enough for everything to be compiled."""

_CLASSES = 10
_SECONDS = 2.0


def measure_operations(recipe: Recipe, precisions: Sequence[str]) -> Iterator[Measured]:
    """Each operation of the recipe's network that can be computed in several ways.

    Args:
        recipe: for a network that is trained from scratch.
        precisions: those in which it may be trained.
    """
    network, batch = _network(recipe), recipe.training.batch_size
    for precision in precisions:
        yield from measure(shapes(network, precision), part_size(network, batch, precision))


def images_per_second(recipe: Recipe, precision: str) -> float:
    """The speed of the recipe's training steps, without augmentation, for `_SECONDS` seconds."""
    network, batch = _network(recipe), recipe.training.batch_size
    steps = steps_for(network, batch, _STEPS, choices_for(network, batch, _STEPS, precision))
    count, draws = steps.steps_per_execution * batch, np.random.default_rng(0)
    images = draws.integers(0, 256, (count, *network.input_shape[1:]), dtype=np.uint8)
    labels = draws.integers(0, _CLASSES, count)
    targets = np.eye(_CLASSES, dtype=np.float32)[labels] if recipe.soft_targets else labels
    with mixed_precision(network, precision):
        steps.train(images, targets)
        done, begun = 0, time.perf_counter()
        while (spent := time.perf_counter() - begun) < _SECONDS or not done:
            steps.train(images, targets)
            done += count
    return done / spent


def _network(recipe: Recipe) -> keras.Model:
    backend.seed_everything(recipe.training.seed)
    return build_model(recipe.replace(task="multiclass"), _CLASSES, steps=_STEPS).network
