"""Computing in bfloat16 while training: half the bytes to move, and fast where the hardware has it.

Weights, their updates and the output stay float32, so nothing of the saved model tells how it was trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def computing_in(model: keras.Model, precision: str) -> Iterator[None]:
    """The model's layers compute in this precision within the block, but for the last; in float32 after it.

    Args:
        model: whose weights are float32.
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


def _hidden(model: keras.Model) -> list[keras.Layer]:
    """The layers with weights before the output, those of a backbone among them."""
    flat = [layer for layer in model._flatten_layers(include_self=False) if not isinstance(layer, keras.Model)]
    return [layer for layer in flat if layer.weights and layer is not model.layers[-1]]
