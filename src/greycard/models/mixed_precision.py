"""Train in bfloat16: half the memory traffic, and fast on hardware that supports it.

Weights, their updates and the output stay float32. So does everything that is measured: only training steps run in
bfloat16, and a run's figures are those of the saved model in float32, in every training precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from greycard.models.stated import head_of

_EXACT = (keras.layers.MaxPooling2D, keras.layers.ReLU, keras.layers.Flatten, keras.layers.ZeroPadding2D)


@contextmanager
def mixed_precision(model: keras.Model, precision: str) -> Iterator[None]:
    """Inside this block all layers except the head compute in this precision; after it, in float32.

    A compiled function keeps the precision of its first call. So call training functions only inside the block, and
    functions that predict or measure only outside.

    Args:
        model: with float32 weights.
        precision: `bfloat16` or `float32`.
    """
    layers = _hidden(model) if precision == "bfloat16" else []
    before = [layer.dtype_policy for layer in layers]
    for layer in layers:
        layer.dtype_policy = keras.DTypePolicy("mixed_bfloat16")
    try:
        yield
    finally:
        for layer, policy in zip(layers, before, strict=True):
            layer.dtype_policy = policy


def trains_in(model: keras.Model, precision: str) -> str:
    """The precision of training in `mixed_precision`: float32 if only the head is trained."""
    return precision if any(layer.trainable_weights for layer in _hidden(model)) else "float32"


def _hidden(model: keras.Model) -> list[keras.Layer]:
    """The layers before the head that compute in bfloat16, including those of a backbone.

    Those without weights stay in float32, unless bfloat16 gives the same numbers.
    """
    flat = [layer for layer in model._flatten_layers(include_self=False) if not isinstance(layer, keras.Model)]
    head = head_of(model)
    return [layer for layer in flat if (layer.weights or _is_exact(layer)) and layer is not head]


def _is_exact(layer: keras.Layer) -> bool:
    """True if the layer only selects or moves numbers: without a cast to float32 it takes half the memory traffic."""
    relu = type(layer) is keras.layers.Activation and layer.activation is keras.activations.relu
    return relu or type(layer) in _EXACT
