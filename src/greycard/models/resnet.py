"""`resnet`: a small residual network with batch norm and full 3×3 convolutions, which are fastest on a CPU.

Source: He et al., "Deep residual learning for image recognition" (2016); the arrangement is that of Page, "How to train
your ResNet" (2018): a stage is one convolution with pooling, and then residual blocks at its size. Pooling comes before
batch norm and ReLU, which then have a quarter of the work.
"""

from __future__ import annotations

import keras
from keras import layers

from greycard.core.errors import GreycardError
from greycard.models.dense import add_dense, add_pooling
from greycard.models.graph import producer
from greycard.models.inputs import add_scaling
from greycard.models.model import Body, Weights
from greycard.recipe.model import ResNetConfig

_LEAST_SIDE = 2
"""Minimum side length of the last feature map, so that a 3×3 convolution does not see mostly padding."""

_MOMENTUM = 0.9
"""Of the moving statistics: about the last ten steps, since a training on a CPU may have few."""


def build(config: ResNetConfig, inputs: keras.KerasTensor, weights: Weights = ()) -> Body:
    """Build a stem, then stages; each stage halves the size, doubles the width, and has some residual blocks.

    Args:
        config: width of the stem, blocks per stage, stride of the stem, dropout before the head.
        inputs: uint8 (b, height, width, channels).
        weights: not used.

    Raises:
        GreycardError: the images are too small for this number of stages.
    """
    _expect_size(config, inputs)
    scaled, scaling = add_scaling(inputs)
    x = _conv(scaled, config.width, "stem", stride=config.stem_stride)
    for stage, blocks in enumerate(config.blocks, start=1):
        x = _conv(x, config.width * 2**stage, f"stage{stage}", pool=True)
        for block in range(1, blocks + 1):
            x = _block(x, f"stage{stage}_block{block}")
    features = add_pooling(x, "average")
    vector = add_dense(features, (), dropout=config.dropout)
    return Body(vector, preprocessing=scaling, feature_layer=producer(x), features=producer(features))


def _block(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Two convolutions, and their input added to the result."""
    width = x.shape[-1]
    y = _conv(_conv(x, width, f"{name}_1"), width, f"{name}_2")
    return layers.Add(name=f"{name}_add")([x, y])


def _conv(x: keras.KerasTensor, width: int, name: str, *, stride: int = 1, pool: bool = False) -> keras.KerasTensor:
    """A 3×3 convolution without bias, 2×2 max pooling if asked for, batch norm and ReLU."""
    x = layers.Conv2D(
        width, 3, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
    )(x)
    x = layers.MaxPooling2D(2, name=f"{name}_pool")(x) if pool else x
    x = layers.BatchNormalization(momentum=_MOMENTUM, name=f"{name}_bn")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def _expect_size(config: ResNetConfig, inputs: keras.KerasTensor) -> None:
    rows, columns = (-(-side // config.stem_stride) // 2 ** len(config.blocks) for side in inputs.shape[1:3])
    if min(rows, columns) < _LEAST_SIDE:
        height, width = inputs.shape[1:3]
        raise GreycardError(
            f"{len(config.blocks)} stages with stem_stride={config.stem_stride} do not fit images of {height}×{width}"
            f" pixels: the last feature map would be {rows}×{columns}; expected at least"
            f" {_LEAST_SIDE}×{_LEAST_SIDE}",
            hint="use fewer stages (--set blocks=…), --set stem_stride=1, or larger images (--set image_size=…)",
        )
