"""EfficientNet-Lite0 without its top: EfficientNet-B0 for small devices (Google, 2020).

It has ReLU6 in place of swish, and no squeeze-and-excitation. Its weights were trained with TensorFlow, so it needs
TensorFlow's "same" padding, which Keras has on every backend. No layer name begins with an underscore: a SavedModel
cannot have such names.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

_STAGES = (  # blocks, kernel size, stride of the first block, expansion, filters
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def build(input_shape: tuple[int, int, int]) -> keras.Model:
    """Build the network with random weights, up to its last feature map of 1,280 filters.

    Args:
        input_shape: (height, width, 3) of the preprocessed images; the weights were trained at 224×224.
    """
    inputs = keras.Input(input_shape)
    x = _conv(inputs, "stem", 32, kernel_size=3, strides=2)
    number = 0
    for blocks, kernel_size, stride, expansion, filters in _STAGES:
        for position in range(blocks):
            x = _block(x, f"block{number}", kernel_size, stride if position == 0 else 1, expansion, filters)
            number += 1
    return keras.Model(inputs, _conv(x, "head", 1280), name="efficientnet_lite0")


def preprocess_input(pixels: Any) -> Any:
    """Scale RGB pixels from 0 to 255 as the weights expect them."""
    return (pixels - 127.0) / 128.0


def _block(
    x: keras.KerasTensor, name: str, kernel_size: int, stride: int, expansion: int, filters: int
) -> keras.KerasTensor:
    """Inverted residual: expand, filter each channel, project; add the input if it has the same shape."""
    expanded = x if expansion == 1 else _conv(x, f"{name}_expand", expansion * x.shape[-1])
    options = {"padding": "same", "use_bias": False}
    depthwise = layers.DepthwiseConv2D(kernel_size, stride, name=f"{name}_depthwise_conv", **options)
    y = _norm(depthwise(expanded), f"{name}_depthwise")
    y = _conv(y, f"{name}_project", filters, activated=False)
    return layers.Add(name=f"{name}_add")([x, y]) if stride == 1 and x.shape[-1] == filters else y


def _conv(
    x: keras.KerasTensor, name: str, filters: int, kernel_size: int = 1, strides: int = 1, activated: bool = True
) -> keras.KerasTensor:
    conv = layers.Conv2D(filters, kernel_size, strides, padding="same", use_bias=False, name=f"{name}_conv")
    return _norm(conv(x), name, activated)


def _norm(x: keras.KerasTensor, name: str, activated: bool = True) -> keras.KerasTensor:
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(x)
    return layers.ReLU(max_value=6.0, name=f"{name}_relu")(x) if activated else x
