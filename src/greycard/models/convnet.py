"""`convnet`: 3×3 convolutions, each with ReLU and 2×2 max pooling, then dense layers."""

from __future__ import annotations

import keras
from keras import layers

from greycard.core.errors import GreycardError
from greycard.models.dense import add_dense, add_pooling
from greycard.models.graph import producer
from greycard.models.inputs import add_scaling
from greycard.models.model import Body, Weights
from greycard.recipe.model import ConvNetConfig

_LEAST_SIDE = 4
"""Minimum side length in pixels for a 3×3 convolution without padding and 2×2 pooling."""


def build(config: ConvNetConfig, inputs: keras.KerasTensor, weights: Weights = ()) -> Body:
    """Build the layers. The feature layer is the last convolution, before its pooling.

    Args:
        config: filters, units, pooling and dropout.
        inputs: uint8 (b, height, width, channels).
        weights: not used.

    Raises:
        GreycardError: the images are too small for this number of convolutions, or a layer does not fit into memory.
    """
    x, scaling = add_scaling(inputs)
    last = None
    for position, filters in enumerate(config.conv, start=1):
        _expect_size(config, inputs, x, position)
        x = layers.Conv2D(filters, 3, activation="relu", name=f"conv{position}")(x)
        last = producer(x)
        x = layers.MaxPooling2D(2, name=f"pool{position}")(x)
    features = add_pooling(x, config.pooling)
    vector = add_dense(features, config.dense, feature_dropout=config.feature_dropout, dropout=config.dropout)
    return Body(vector, preprocessing=scaling, feature_layer=last, features=producer(features))


def _expect_size(config: ConvNetConfig, inputs: keras.KerasTensor, x: keras.KerasTensor, position: int) -> None:
    if min(x.shape[1:3]) >= _LEAST_SIDE:
        return
    height, width = inputs.shape[1:3]
    raise GreycardError(
        f"{len(config.conv)} convolutions with pooling do not fit images of {height}×{width} pixels:"
        f" convolution {position} gets {x.shape[1]}×{x.shape[2]}; expected at least {_LEAST_SIDE}×{_LEAST_SIDE}",
        hint="use fewer (--set conv=…) or larger images (--set image_size=…)",
    )
