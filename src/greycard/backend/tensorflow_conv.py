"""3×3 convolutions on a CPU, and the ways to compute them.

- `onednn`: TensorFlow's operations, which call oneDNN for all three passes; the plain way.
- `xla`: the same, with the gradient of the kernel by XLA. Faster on some processors without AVX-512, and up to 2.6
  times slower on those with bfloat16 (docs/log.md).
- `winograd`: a quarter of the multiplications, in float32 in either precision, and more passes over memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from greycard.backend import tensorflow_winograd as winograd
from greycard.backend.choices import Shape, Ways
from greycard.backend.layer_settings import PRECISIONS, has_settings

OPERATION = "conv"

PLAIN, XLA, WINOGRAD = "onednn", "xla", "winograd"

Gradients = Callable[[Any], tuple[Any, Any]]
"""The gradient of a convolution's result to those of its input and kernel."""

SETTINGS = {
    "kernel_size": (3, 3),
    "strides": (1, 1),
    "dilation_rate": (1, 1),
    "groups": 1,
    "data_format": "channels_last",
    "activity_regularizer": None,
    "autocast": True,
    "lora_enabled": False,
}
_ACTIVATIONS = (keras.activations.linear, keras.activations.relu)
_LEAST_SIDE = 3


def matches(layer: keras.Layer) -> bool:
    """True if `fused` computes the same as this layer.

    The layer must be exactly `Conv2D`, not a subclass, with the settings above and a known image size. Regularizers and
    constraints of kernel and bias are allowed, because they act on the variables.
    """
    return (
        type(layer) is layers.Conv2D
        and has_settings(layer, SETTINGS)
        and layer.activation in _ACTIVATIONS
        and layer.dtype_policy.name in PRECISIONS
        and all(side is not None and side >= _LEAST_SIDE for side in layer.input.shape[1:3])
    )


def ways_of(shape: Shape) -> tuple[str, ...]:
    """The ways to compute a convolution, the plain one first."""
    return PLAIN, XLA, WINOGRAD


def shape_of(operation: str, x: Any, kernel: Any, dtype: str) -> Shape:
    """The shape of an operation on x (b, height, width, channels) with a kernel (3, 3, channels, filters)."""
    return Shape.of_images(operation, x.shape, dtype, int(kernel.shape[3]))


def fused(layer: keras.Layer, chooser: Ways) -> Callable[[Any], Any]:
    """What a convolution that matches computes, in the layer's compute dtype when it is called."""

    def call(x: Any) -> Any:
        shape = shape_of(OPERATION, x, layer.kernel, layer.compute_dtype)
        x, kernel = (tf.cast(each, layer.compute_dtype) for each in (x, layer.kernel))
        result = convolution(x, kernel, layer.padding, chooser.way(shape, ways_of(shape)))
        if layer.use_bias:
            result = tf.nn.bias_add(result, tf.cast(layer.bias, layer.compute_dtype))
        return tf.nn.relu(result) if layer.activation is keras.activations.relu else result

    return call


def convolution(x: Any, kernel: Any, padding: str, way: str) -> Any:
    """A convolution with stride 1.

    Args:
        x: float32 or bfloat16 (b, height, width, channels).
        kernel: the same type (3, 3, channels, filters).
        padding: `valid` or `same`.
        way: one of `ways_of`.

    Returns:
        The same type (b, height, width, filters), two rows and columns less if valid.
    """

    @tf.custom_gradient
    def compute(x: Any, kernel: Any) -> tuple[Any, Gradients]:
        return convolve(x, kernel, padding, way)

    if way == WINOGRAD and padding == "same":
        return convolution(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]), kernel, "valid", way)
    return compute(x, kernel)


def convolve(x: Any, kernel: Any, padding: str, way: str) -> tuple[Any, Gradients]:
    """As `convolution`, with its gradients; Winograd's way needs valid padding."""
    if way == WINOGRAD:
        return winograd.convolve(x, kernel, x.shape[1] - 2, x.shape[2] - 2)
    padding = padding.upper()
    by_kernel = _by_xla if way == XLA else _by_tensorflow

    def gradients(upstream: Any) -> tuple[Any, Any]:
        x_gradient = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(x), filter=kernel, out_backprop=upstream, strides=[1, 1, 1, 1], padding=padding
        )
        return x_gradient, by_kernel(x, upstream, tuple(kernel.shape), padding)

    return tf.nn.conv2d(x, kernel, 1, padding), gradients


def _by_tensorflow(x: Any, upstream: Any, shape: tuple[int, ...], padding: str) -> Any:
    return tf.raw_ops.Conv2DBackpropFilter(
        input=x, filter_sizes=shape, out_backprop=upstream, strides=[1, 1, 1, 1], padding=padding
    )


_by_xla = tf.function(_by_tensorflow, jit_compile=True)
