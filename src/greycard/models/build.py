"""Build the model of a recipe: the family's layers, the head and the optimizer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras

from greycard.models.custom import BuildNetwork, build_custom
from greycard.models.families import FAMILIES
from greycard.models.inputs import image_input, number_input
from greycard.models.layer_rates import scale_rates
from greycard.models.model import Model, Weights
from greycard.models.optimizers import build_optimizer
from greycard.models.schedules import learning_rate
from greycard.models.stated import head_of
from greycard.models.tuning import rates
from greycard.recipe import Recipe
from greycard.recipe.model import CustomConfig, ProbeConfig
from greycard.tasks.target import Target
from greycard.tasks.task import Task
from greycard.tasks.tasks import task_for


def build_model(
    recipe: Recipe,
    classes: int,
    weights: Path | Weights | None = None,
    *,
    features: int = 1,
    build: BuildNetwork | None = None,
    steps: int = 1,
    target: Target | None = None,
) -> Model:
    """Build the compiled model of a resolved recipe, with its parts.

    Its input is uint8 (b, height, width, channels), or float32 (b, features) for data without images. Its output is
    float32 probabilities (b, classes); for two classes of which an image has one, that of the second (b, 1); for a
    regression, the number in the unit of the labels (b, 1).

    Args:
        recipe: the recipe; its task fits the number of classes.
        classes: number of classes; 0 for a regression.
        weights: the weights file of each backbone, or of the only one; None for random weights.
        features: number of input features, for data without images.
        build: the function that builds the model of a `custom` recipe.
        steps: total number of training steps, for the recipe's schedule.
        target: the numbers to predict from images, for a regression.

    Raises:
        GreycardError: layers that do not fit the image's size or into memory, or weights that do not fit.
    """
    task = task_for(classes, recipe.data.task, target=target)
    if isinstance(recipe.model, CustomConfig):
        model = _custom(recipe, task, build)
    else:
        files = weights if isinstance(weights, tuple) else (weights,)
        model = _of_family(recipe, task, files, features)
    model = _in_unit(model, task)
    rate, trained = learning_rate(recipe, steps), model.network.trainable_variables
    optimizer = build_optimizer(recipe.optimizer, rate, trained)
    if isinstance(recipe.model, ProbeConfig) and recipe.model.fine_tune:
        scale_rates(optimizer, rates(model))
    task.compile(model.network, optimizer, soft_targets=recipe.soft_targets)
    return model


def _of_family(recipe: Recipe, task: Task, weights: Weights, features: int) -> Model:
    size = recipe.data.image_size
    inputs = image_input(size, recipe.data.channels) if size else number_input(features)
    body = FAMILIES[recipe.model.kind](recipe.model, inputs, weights)
    network = keras.Model(inputs, task.add_head(body.vector), name="greycard")
    return Model(network, body.preprocessing, body.feature_layer, body.features, head_of(network))


def _in_unit(model: Model, task: Task) -> Model:
    """The model with its outputs in the unit of the labels."""
    given = model.network.outputs[0]
    output = task.in_unit(given)
    if output is given:
        return model
    return replace(model, network=keras.Model(model.network.inputs[0], output, name=model.network.name))


def _custom(recipe: Recipe, task: Task, build: BuildNetwork | None) -> Model:
    assert build is not None  # the jobs check it
    assert recipe.data.image_size is not None
    return build_custom(build, (*recipe.data.image_size, recipe.data.channels), task)
