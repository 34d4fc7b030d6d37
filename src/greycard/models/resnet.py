"""`resnet`: a small residual network with batch norm and full 3×3 convolutions, which are fastest on a CPU.

Source: He et al., "Deep residual learning for image recognition" (2016), the basic block.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from greycard.core.errors import GreycardError
from greycard.models.dense import add_dense, add_pooling
from greycard.models.graph import producer
from greycard.models.inputs import add_scaling
from greycard.models.model import Body
from greycard.recipe.model import ResNetConfig

_LEAST_SIDE = 2
"""Minimum side length of the last feature map, so that a 3×3 convolution does not see mostly padding."""


def build(config: ResNetConfig, inputs: keras.KerasTensor, weights: Path | None = None) -> Body:
    """Build a stem, then stages of residual blocks; each stage after the first halves the size and doubles the width.

    Args:
        config: width of the stem, blocks per stage, stride of the stem, dropout before the head.
        inputs: uint8 (b, height, width, channels).
        weights: not used.

    Raises:
        GreycardError: the images are too small for this number of stages.
    """
    _expect_size(config, inputs)
    scaled, scaling = add_scaling(inputs)
    x = _relu(_conv(scaled, config.width, 3, config.stem_stride, "stem"), "stem")
    for stage, blocks in enumerate(config.blocks, start=1):
        for block in range(1, blocks + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            x = _block(x, config.width * 2 ** (stage - 1), stride, f"stage{stage}_block{block}")
    features = add_pooling(x, "average")
    vector = add_dense(features, (), dropout=config.dropout)
    return Body(vector, preprocessing=scaling, feature_layer=producer(x), features=producer(features))


def _block(x: keras.KerasTensor, width: int, stride: int, name: str) -> keras.KerasTensor:
    """Two convolutions and a shortcut, which is projected if its size or width differs."""
    shortcut = x
    if stride > 1 or x.shape[-1] != width:
        shortcut = _conv(x, width, 1, stride, f"{name}_shortcut")
    y = _relu(_conv(x, width, 3, stride, f"{name}_1"), f"{name}_1")
    y = _conv(y, width, 3, 1, f"{name}_2")
    return _relu(layers.Add(name=f"{name}_add")([y, shortcut]), name)


def _conv(x: keras.KerasTensor, width: int, kernel: int, stride: int, name: str) -> keras.KerasTensor:
    """A convolution without bias, then batch norm."""
    x = layers.Conv2D(
        width, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)  # fmt: skip
    return layers.BatchNormalization(name=f"{name}_bn")(x)


def _relu(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.Activation("relu", name=f"{name}_relu")(x)


def _expect_size(config: ResNetConfig, inputs: keras.KerasTensor) -> None:
    height, width = inputs.shape[1:3]
    smaller = config.stem_stride * 2 ** (len(config.blocks) - 1)
    rows, columns = (-(-side // smaller) for side in (height, width))
    if min(rows, columns) < _LEAST_SIDE:
        raise GreycardError(
            f"{len(config.blocks)} stages with stem_stride={config.stem_stride} do not fit images of {height}×{width}"
            f" pixels: the last feature map would be {rows}×{columns}; expected at least"
            f" {_LEAST_SIDE}×{_LEAST_SIDE}",
            hint="use fewer stages (--set blocks=…), --set stem_stride=1, or larger images (--set image_size=…)",
        )
