"""Convolution, bias, ReLU and max pooling as one TensorFlow operation with a custom gradient.

A convolution with ReLU and then 2×2 max pooling computes `pool(relu(conv(x) + bias))`. Adding a bias and ReLU do not
change the order of numbers, so this equals `relu(pool(conv(x)) + bias)`: the same values, a quarter of the additions.

TensorFlow's gradient of max pooling reads and writes only 2.5 GB/s on a CPU: a quarter of a small CNN's time. Here the
position of each maximum is stored as one byte, and XLA writes the gradient in one pass.

The convolution uses the algorithm that was measured to be fastest (docs/log.md): Winograd's for many channels; for one
channel, products computed inside the pooling; else TensorFlow's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from greycard.backend import tensorflow_winograd as winograd

_NOWHERE = 4
"""The position 0 to 3 of a window's maximum is replaced by this where ReLU made it 0: no pixel has a gradient there."""

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
_POOL = {
    "pool_size": (2, 2),
    "strides": (2, 2),
    "padding": "valid",
    "data_format": "channels_last",
    "activity_regularizer": None,
}
_PRECISIONS = ("float32", "mixed_bfloat16")
"""Supported Keras policies: they compute in float32 or bfloat16, and their weights are float32."""

_LEAST_SIDE = 4
"""The smallest height and width: a 3×3 convolution leaves 2×2 pixels to pool."""


def matches(conv: keras.Layer, pool: keras.Layer) -> bool:
    """True if `conv_pool` computes the same as these two layers in sequence.

    The layers must be exactly `Conv2D` and `MaxPooling2D`, not subclasses, with the settings above, and the image size
    must be known. Regularizers and constraints of kernel and bias are allowed, because they act on the variables.
    """
    return (
        type(conv) is layers.Conv2D
        and type(pool) is layers.MaxPooling2D
        and _has(conv, _CONV)
        and _has(pool, _POOL)
        and conv.dtype_policy.name in _PRECISIONS
        and pool.dtype_policy.name in ("float32", conv.dtype_policy.name)
        and all(side is not None and side >= _LEAST_SIDE for side in conv.input.shape[1:3])
    )


def _has(layer: keras.Layer, settings: Mapping[str, Any]) -> bool:
    return all(getattr(layer, name) == value for name, value in settings.items())


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


@tf.function(jit_compile=True)
def _kernel_gradient(x: Any, upstream: Any, shape: tuple[int, ...]) -> Any:
    return tf.raw_ops.Conv2DBackpropFilter(
        input=x, filter_sizes=shape, out_backprop=upstream, strides=[1, 1, 1, 1], padding="VALID"
    )


@tf.function(jit_compile=True)
def _pool(convolved: Any, bias: Any) -> tuple[Any, Any]:
    """The pooled values, and the position of each maximum in its window."""
    return _largest(_quarters(convolved), bias)


@tf.function(jit_compile=True)
def _pool_gray(x: Any, kernel: Any, bias: Any) -> tuple[Any, Any]:
    """The same for one channel, with the convolution: nine products cost less than storing and reading their sum."""
    height, width = x.shape[1] - 2, x.shape[2] - 2
    shifted = [_quarters(x[:, row : row + height, column : column + width]) for row in range(3) for column in range(3)]
    weights = tf.unstack(tf.reshape(kernel, (9, -1)))
    return _largest([_weighted(pixels, weights) for pixels in zip(*shifted, strict=True)], bias)


def _gray_matches(x: Any, kernel: Any) -> bool:
    """True if `_pool_gray` can compute this convolution: one channel, 3×3 kernel, float32."""
    return x.dtype == tf.float32 and tuple(kernel.shape[:3]) == (3, 3, 1)


def _weighted(pixels: Sequence[Any], weights: Sequence[Any]) -> Any:
    products = [pixel * weight for pixel, weight in zip(pixels, weights, strict=True)]
    return sum(products[1:], products[0])


def _largest(quarters: Sequence[Any], bias: Any) -> tuple[Any, Any]:
    """The largest of four values and its position; of equal values the first, as in TensorFlow."""
    first, *others = quarters
    largest, place = first, tf.zeros_like(first, tf.uint8)
    for position, quarter in enumerate(others, start=1):
        place = tf.where(quarter > largest, tf.constant(position, tf.uint8), place)
        largest = tf.maximum(largest, quarter)
    pooled = tf.nn.relu(largest + bias)
    return pooled, tf.where(pooled > 0, place, tf.constant(_NOWHERE, tf.uint8))


def _quarters(convolved: Any) -> list[Any]:
    """Each 2×2 window's upper left, upper right, lower left and lower right pixels."""
    height, width = (side // 2 * 2 for side in convolved.shape[1:3])
    even = convolved[:, :height, :width]
    return [even[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]


@tf.function(jit_compile=True)
def _unpool(place: Any, upstream: Any, height: int, width: int) -> tuple[Any, Any]:
    """The convolution's gradient, which is zero except at each maximum, and `upstream` where ReLU is not zero."""
    _, rows, columns, filters = upstream.shape
    nothing = tf.zeros_like(upstream)
    quarters = [tf.where(place == position, upstream, nothing) for position in range(_NOWHERE)]
    pixels = tf.stack([tf.stack(quarters[row : row + 2], axis=3) for row in (0, 2)], axis=2)
    inner = tf.reshape(pixels, (-1, 2 * rows, 2 * columns, filters))
    whole = tf.pad(inner, [[0, 0], [0, height - 2 * rows], [0, width - 2 * columns], [0, 0]])
    return whole, tf.where(place < _NOWHERE, upstream, nothing)
