"""Estimate the memory that training needs, from the sizes of the layers, before it starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from greycard.backend.steps import images_at_once
from greycard.models.graph import upstream
from greycard.models.model import Model
from greycard.models.optimizers import slots
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.loader import AHEAD, prediction_batch
from greycard.recipe import Recipe
from greycard.training.features import BATCH

_FLOAT = 4
_CONVERTED = 4
"""Copies of the frozen weights that are made when a faster engine loads them."""

_WORKSPACE = 300 << 20
"""Memory for compiling, oneDNN's buffers and writing files."""

_SLACK = 1.25
"""Allocators reserve more than they give out."""


@dataclass(frozen=True)
class Need:
    """Additional memory that training needs: lower and upper bound, in bytes."""

    least: int
    most: int


def expected_need(model: Model, recipe: Recipe, train: ArraySplit, validation: ArraySplit) -> Need:
    """The memory that training needs, cached features included, from the sizes of the model's layers.

    The lower bound counts the gradients of the trained weights, the optimizer's state, the best epoch's weights and
    the average weights if they are kept, and every layer's output for the training images that are computed at once.
    The upper bound adds the gradients of these outputs, the outputs of two layers for a batch of validation images or
    of images for frozen features, copies of all weights while they are saved, copies of the frozen weights during
    conversion, prefetched batches, and some slack.

    Args:
        model: the whole model, compiled.
        recipe: the resolved recipe.
        train: the decoded training images.
        validation: the decoded validation images.
    """
    frozen, learning = _outputs(model)
    trained, weights = _count(model.network.trainable_variables), _count(model.network.variables)
    steps = _at_once(model, recipe, len(train)) * sum(learning)
    measuring = prediction_batch(validation, recipe.training.val_batch_size) * 2 * max(learning)
    features = BATCH * 2 * max(frozen, default=0)
    copies_kept = (recipe.stopping.keep == "best") + (recipe.optimizer.ema is not None)
    kept = copies_kept * (trained if model.is_frozen else weights)
    updates = trained * (1 + slots(recipe.optimizer)) + kept
    copies = trained + weights + _CONVERTED * (weights - trained)
    ahead = 2 * AHEAD * recipe.training.batch_size * train.images[:1].nbytes
    most = _FLOAT * (updates + copies + max(2 * steps, measuring, features)) + ahead
    least = _FLOAT * updates + (_FLOAT // 2 if recipe.training.precision == "bfloat16" else _FLOAT) * steps
    return Need(least, int(_SLACK * most) + _WORKSPACE)


def _at_once(model: Model, recipe: Recipe, images: int) -> int:
    """Images whose outputs are in memory together in training."""
    training = recipe.training
    return images_at_once(model.network, training.batch_size, training.steps(images), training.precision)


def _count(variables: Sequence[keras.Variable]) -> int:
    return sum(int(np.prod(variable.shape)) for variable in variables)


def _outputs(model: Model) -> tuple[list[int], list[int]]:
    """Output sizes of the layers for one image: before a frozen backbone's features, and those that are trained."""
    bottom = upstream(model.network, model.features) if model.is_frozen and model.features else []
    frozen = {id(layer) for layer in bottom} - {id(model.features)}
    before = [layer for layer in model.network.layers if id(layer) in frozen]
    after = [layer for layer in model.network.layers if id(layer) not in frozen]
    return [size for layer in before for size in _sizes(layer)], [size for layer in after for size in _sizes(layer)]


def _sizes(layer: keras.Layer) -> Iterator[int]:
    if isinstance(layer, keras.Model):
        for inner in layer.layers:
            yield from _sizes(inner)
    else:
        yield int(np.prod([size for size in layer.output.shape[1:] if size]))
