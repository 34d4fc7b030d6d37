"""Convolution, bias, ReLU and max pooling as one TensorFlow operation with a custom gradient.

A convolution with ReLU and then 2×2 max pooling computes `pool(relu(conv(x) + bias))`. Adding a bias and ReLU do not
change the order of numbers, so this equals `relu(pool(conv(x)) + bias)`: the same values, a quarter of the additions.

TensorFlow's gradient of max pooling reads and writes only 2.5 GB/s on a CPU: a quarter of a small CNN's time. Here the
position of each maximum is stored as one byte, and XLA writes the gradient in one pass.

The convolution uses the algorithm that was measured to be fastest (docs/log.md): Winograd's for many channels; for one
channel, products computed inside the pooling; else TensorFlow's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from greycard.backend import tensorflow_pool as pooling
from greycard.backend import tensorflow_winograd as winograd
from greycard.backend.tensorflow_settings import PRECISIONS, has_settings

_CONV = {
    "kernel_size": (3, 3),
    "strides": (1, 1),
    "dilation_rate": (1, 1),
    "groups": 1,
    "padding": "valid",
    "data_format": "channels_last",
    "use_bias": True,
    "activation": keras.activations.relu,
    "activity_regularizer": None,
    "autocast": True,
    "lora_enabled": False,
}
_LEAST_SIDE = 4
"""The smallest height and width: a 3×3 convolution leaves 2×2 pixels to pool."""


def matches(conv: keras.Layer, pool: keras.Layer) -> bool:
    """True if `conv_pool` computes the same as these two layers in sequence.

    The layers must be exactly `Conv2D` and `MaxPooling2D`, not subclasses, with the settings above, and the image size
    must be known. Regularizers and constraints of kernel and bias are allowed, because they act on the variables.
    """
    return (
        type(conv) is layers.Conv2D
        and pooling.has_windows(pool)
        and has_settings(conv, _CONV)
        and conv.dtype_policy.name in PRECISIONS
        and pool.dtype_policy.name in ("float32", conv.dtype_policy.name)
        and all(side is not None and side >= _LEAST_SIDE for side in conv.input.shape[1:3])
    )


def fused(conv: keras.Layer) -> Callable[[Any], Any]:
    """`conv_pool` with the weights of a convolution that matches, in the layer's compute dtype when it is called."""
    return lambda x: conv_pool(*(tf.cast(each, conv.compute_dtype) for each in (x, conv.kernel, conv.bias)))


@tf.custom_gradient
def conv_pool(x: Any, kernel: Any, bias: Any) -> tuple[Any, Callable[[Any], tuple[Any, Any, Any]]]:
    """`relu(conv(x) + bias)` with valid padding, then 2×2 max pooling, which drops a last odd row or column.

    Args:
        x: float (b, height, width, channels).
        kernel: float (3, 3, channels, filters).
        bias: float (filters,).

    Returns:
        float (b, (height - 2) // 2, (width - 2) // 2, filters).
    """
    height, width = x.shape[1] - 2, x.shape[2] - 2
    back = _direct_gradients(x, kernel)
    if _gray_matches(x, kernel):
        pooled, place = _pool_gray(x, kernel, bias)
    elif winograd.matches(x, kernel):
        height, width = height // 2 * 2, width // 2 * 2
        convolved, back = winograd.convolve(x, kernel, height, width)
        pooled, place = _pool(convolved, bias)
    else:
        pooled, place = _pool(tf.nn.conv2d(x, kernel, 1, "VALID"), bias)

    def gradient(upstream: Any) -> tuple[Any, Any, Any]:
        inner, through = _unpool(place, upstream, height, width)
        return *back(inner), tf.raw_ops.BiasAddGrad(out_backprop=through)

    return pooled, gradient


def _direct_gradients(x: Any, kernel: Any) -> winograd.Gradients:
    def gradients(upstream: Any) -> tuple[Any, Any]:
        x_gradient = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(x), filter=kernel, out_backprop=upstream, strides=[1, 1, 1, 1], padding="VALID"
        )
        return x_gradient, _kernel_gradient(x, upstream, tuple(kernel.shape))

    return gradients


def _kernel_gradient(x: Any, upstream: Any, shape: tuple[int, ...]) -> Any:
    """By XLA in float32; in bfloat16, TensorFlow's own is up to 2.6 times as fast."""
    return (_compiled if x.dtype == tf.float32 else _direct)(x, upstream, shape)


def _direct(x: Any, upstream: Any, shape: tuple[int, ...]) -> Any:
    return tf.raw_ops.Conv2DBackpropFilter(
        input=x, filter_sizes=shape, out_backprop=upstream, strides=[1, 1, 1, 1], padding="VALID"
    )


_compiled = tf.function(_direct, jit_compile=True)


@tf.function(jit_compile=True)
def _pool(convolved: Any, bias: Any) -> tuple[Any, Any]:
    """The pooled values, and the position of each maximum in its window."""
    return _largest(pooling.quarters(convolved), bias)


@tf.function(jit_compile=True)
def _pool_gray(x: Any, kernel: Any, bias: Any) -> tuple[Any, Any]:
    """The same for one channel, with the convolution: nine products cost less than storing and reading their sum."""
    height, width = x.shape[1] - 2, x.shape[2] - 2
    places = [(row, column) for row in range(3) for column in range(3)]
    shifted = [pooling.quarters(x[:, row : row + height, column : column + width]) for row, column in places]
    weights = tf.unstack(tf.reshape(kernel, (9, -1)))
    return _largest([_weighted(pixels, weights) for pixels in zip(*shifted, strict=True)], bias)


def _gray_matches(x: Any, kernel: Any) -> bool:
    """True if `_pool_gray` can compute this convolution: one channel, 3×3 kernel, float32."""
    return x.dtype == tf.float32 and tuple(kernel.shape[:3]) == (3, 3, 1)


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
