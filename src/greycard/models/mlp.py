"""`mlp`: dense layers on pixels or numbers."""

from __future__ import annotations

import keras

from greycard.models.dense import add_dense, add_pooling
from greycard.models.graph import producer
from greycard.models.inputs import add_scaling
from greycard.models.model import Body, Weights
from greycard.recipe.model import MlpConfig


def build(config: MlpConfig, inputs: keras.KerasTensor, weights: Weights = ()) -> Body:
    """There is no feature map: each pixel has its own weights.

    Args:
        config: units and dropout.
        inputs: uint8 (b, height, width, channels), or float32 (b, features).
        weights: not used.

    Raises:
        GreycardError: a layer does not fit into memory.
    """
    if len(inputs.shape) == 2:
        return Body(add_dense(inputs, config.dense, dropout=config.dropout))
    scaled, scaling = add_scaling(inputs)
    flat = add_pooling(scaled, "flatten")
    vector = add_dense(flat, config.dense, dropout=config.dropout)
    return Body(vector, preprocessing=scaling, features=producer(flat))
