"""How much memory a training will take, from the sizes of its layers, before it begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np

from greycard.memory import used_bytes
from greycard.pipeline.batches import AHEAD, prediction_batch
from greycard.pipeline.pixels import Pixels
from greycard.recipe import Recipe
from greycard.training.features import BATCH, is_frozen

_SLOTS = {"adam": 2, "rmsprop": 1, "sgd": 0}
"""Numbers that an optimizer keeps for each weight."""

_FLOAT = 4
_CONVERTED = 4
"""Copies of the frozen weights that are made on their way into a faster engine."""

_WORKSPACE = 300 << 20
"""What compiling, oneDNN's buffers and writing files take beside the numbers themselves."""

_SLACK = 1.25
"""Allocators keep more than they hand out."""


def expected_bytes(model: keras.Model, recipe: Recipe, train: Pixels, validation: Pixels) -> int:
    """An upper bound of the memory the process will have held when training is over, features included.

    The trained weights with their gradients and the optimizer's numbers; copies of all weights while they are saved, of
    the frozen ones while an engine takes them; every layer's output and its gradient for a batch of training images;
    two layers' outputs for a batch of validation images, or of pictures whose frozen features are computed; the batches
    made ahead.

    Args:
        model: the whole of it, compiled.
        recipe: that it is trained by.
        train: what it learns from, decoded.
        validation: what it is measured on, likewise.
    """
    frozen, learning = _outputs(model)
    weights = _count(model.trainable_variables) * (2 + _SLOTS[recipe.optimizer])
    copies = _count(model.variables) + _CONVERTED * (_count(model.variables) - _count(model.trainable_variables))
    steps = recipe.batch_size * 2 * sum(learning)
    measuring = prediction_batch(validation, recipe.val_batch_size) * 2 * max(learning)
    features = BATCH * 2 * max(frozen, default=0)
    ahead = 2 * AHEAD * recipe.batch_size * train.images[:1].nbytes
    needed = _FLOAT * (weights + copies + max(steps, measuring, features)) + ahead
    return used_bytes() + int(_SLACK * needed) + _WORKSPACE


def _count(variables: Sequence[keras.Variable]) -> int:
    return sum(int(np.prod(variable.shape)) for variable in variables)


def _outputs(model: keras.Model) -> tuple[list[int], list[int]]:
    """Numbers that each layer gives for one image: those before a frozen backbone's features, and those that learn."""
    names = [layer.name for layer in model.layers]
    cut = names.index("features") if is_frozen(model) else 0
    before, after = model.layers[:cut], model.layers[cut:]
    return [size for layer in before for size in _sizes(layer)], [size for layer in after for size in _sizes(layer)]


def _sizes(layer: keras.Layer) -> Iterator[int]:
    if isinstance(layer, keras.Model):
        for inner in layer.layers:
            yield from _sizes(inner)
    else:
        yield int(np.prod([size for size in layer.output.shape[1:] if size]))
