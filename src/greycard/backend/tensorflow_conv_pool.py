"""Convolution, bias, ReLU and max pooling as one operation, and the ways to compute it.

- `onednn`: TensorFlow's operations, which call oneDNN; the plain way. oneDNN adds bias and ReLU to the convolution, and
  the gradients of both are those of the pooled values, a quarter of all.
- `xla-pool`: oneDNN's convolution, and pooling by XLA (see `tensorflow_pool`) with bias and ReLU in one pass. They do
  not change the order of numbers, so `relu(pool(conv(x)) + bias)` has the same values and a quarter of the additions.
- `xla`, `winograd`: as in `tensorflow_conv`, with XLA's pooling.
- `gray`: for one channel, XLA computes the convolution's products inside the pooling, in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from greycard.backend import tensorflow_conv as conv
from greycard.backend import tensorflow_pool as pooling
from greycard.backend.choices import Shape, Ways
from greycard.backend.layer_settings import PRECISIONS, has_settings

OPERATION = "conv + pool"

XLA_POOL, GRAY = "xla-pool", "gray"

Gradients = Callable[[Any], tuple[Any, Any, Any]]
"""The gradient of the result to those of input, kernel and bias."""

_WINDOWS = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}
_CONV = {**conv.SETTINGS, "padding": "valid", "use_bias": True, "activation": keras.activations.relu}
_LEAST_SIDE = 4
"""The smallest height and width: a 3×3 convolution leaves 2×2 pixels to pool."""


def matches(layer: keras.Layer, pool: keras.Layer) -> bool:
    """True if `conv_pool` computes the same as these two layers in sequence.

    The layers must be exactly `Conv2D` and `MaxPooling2D`, not subclasses, with the settings above, and the image size
    must be known. Regularizers and constraints of kernel and bias are allowed, because they act on the variables.
    """
    return (
        type(layer) is layers.Conv2D
        and pooling.has_windows(pool)
        and has_settings(layer, _CONV)
        and layer.dtype_policy.name in PRECISIONS
        and pool.dtype_policy.name in ("float32", layer.dtype_policy.name)
        and all(side is not None and side >= _LEAST_SIDE for side in layer.input.shape[1:3])
    )


def ways_of(shape: Shape) -> tuple[str, ...]:
    """The ways to compute it, the plain one first."""
    plain, *others = conv.ways_of(shape)
    gray = (GRAY,) if shape.channels == 1 else ()
    return (plain, XLA_POOL, *others, *gray)


def fused(layer: keras.Layer, chooser: Ways) -> Callable[[Any], Any]:
    """`conv_pool` with the weights of a convolution that matches, in the layer's compute dtype when it is called."""

    def call(x: Any) -> Any:
        shape = conv.shape_of(OPERATION, x, layer.kernel, layer.compute_dtype)
        x, kernel, bias = (tf.cast(each, layer.compute_dtype) for each in (x, layer.kernel, layer.bias))
        return conv_pool(x, kernel, bias, chooser.way(shape, ways_of(shape)))

    return call


def conv_pool(x: Any, kernel: Any, bias: Any, way: str = conv.PLAIN) -> Any:
    """`relu(conv(x) + bias)` with valid padding, then 2×2 max pooling, which drops a last odd row or column.

    Args:
        x: float (b, height, width, channels).
        kernel: float (3, 3, channels, filters).
        bias: float (filters,).
        way: one of `ways_of`.

    Returns:
        float (b, (height - 2) // 2, (width - 2) // 2, filters).
    """

    @tf.custom_gradient
    def compute(x: Any, kernel: Any, bias: Any) -> tuple[Any, Gradients]:
        return _plain(x, kernel, bias) if way == conv.PLAIN else _fused(x, kernel, bias, way)

    return compute(x, kernel, bias)


def _plain(x: Any, kernel: Any, bias: Any) -> tuple[Any, Gradients]:
    convolved, back = conv.convolve(x, kernel, "valid", conv.PLAIN)
    activated = tf.nn.relu(tf.nn.bias_add(convolved, bias))
    pooled = tf.raw_ops.MaxPool(input=activated, **_WINDOWS)

    def gradients(upstream: Any) -> tuple[Any, Any, Any]:
        through = tf.raw_ops.ReluGrad(gradients=upstream, features=pooled)
        inner = tf.raw_ops.MaxPoolGrad(orig_input=activated, orig_output=pooled, grad=through, **_WINDOWS)
        return *back(inner), tf.raw_ops.BiasAddGrad(out_backprop=through)

    return pooled, gradients


def _fused(x: Any, kernel: Any, bias: Any, way: str) -> tuple[Any, Gradients]:
    height, width = x.shape[1] - 2, x.shape[2] - 2
    if way == conv.WINOGRAD:  # a last odd row or column is not pooled, so it need not be computed
        height, width = height // 2 * 2, width // 2 * 2
        convolved, back = conv.winograd.convolve(x, kernel, height, width)
    else:
        convolved, back = conv.convolve(x, kernel, "valid", conv.XLA if way == conv.XLA else conv.PLAIN)
    pooled, place = _pool_gray(x, kernel, bias) if way == GRAY else _pool(convolved, bias)

    def gradients(upstream: Any) -> tuple[Any, Any, Any]:
        inner, through = _unpool(place, upstream, height, width)
        return *back(inner), tf.raw_ops.BiasAddGrad(out_backprop=through)

    return pooled, gradients


@tf.function(jit_compile=True)
def _pool(convolved: Any, bias: Any) -> tuple[Any, Any]:
    """The pooled values, and the position of each maximum in its window."""
    return _largest(pooling.quarters(convolved), bias)


@tf.function(jit_compile=True)
def _pool_gray(x: Any, kernel: Any, bias: Any) -> tuple[Any, Any]:
    """The same for one channel, with the convolution: nine products cost less than storing and reading their sum."""
    height, width = x.shape[1] - 2, x.shape[2] - 2
    places = [(row, column) for row in range(3) for column in range(3)]
    pixels, weights = tf.cast(x, tf.float32), tf.unstack(tf.reshape(tf.cast(kernel, tf.float32), (9, -1)))
    shifted = [pooling.quarters(pixels[:, row : row + height, column : column + width]) for row, column in places]
    return _largest([_weighted(pixels, weights) for pixels in zip(*shifted, strict=True)], bias)


def _weighted(pixels: Sequence[Any], weights: Sequence[Any]) -> Any:
    products = [pixel * weight for pixel, weight in zip(pixels, weights, strict=True)]
    return sum(products[1:], products[0])


def _largest(quarters: Sequence[Any], bias: Any) -> tuple[Any, Any]:
    """ReLU of the largest of four values plus bias, and its position."""
    largest, place = pooling.largest(quarters)
    pooled = tf.nn.relu(largest + tf.cast(bias, tf.float32))
    return tf.cast(pooled, bias.dtype), tf.where(pooled > 0, place, tf.constant(pooling.NOWHERE, tf.uint8))


@tf.function(jit_compile=True)
def _unpool(place: Any, upstream: Any, height: int, width: int) -> tuple[Any, Any]:
    """The convolution's gradient, which is zero except at each maximum, and `upstream` where ReLU is not zero."""
    through = tf.where(place < pooling.NOWHERE, upstream, tf.zeros_like(upstream))
    return pooling.spread(place, upstream, height, width), through
