"""A convolution with a frozen batch norm after it, as fine-tuned networks have them, in one operation on a CPU.

A frozen batch norm multiplies each channel by a number and adds one. The convolution with a kernel that is multiplied
by these numbers gives the same, so that neither the forward pass nor the gradients go through memory once more. Keras
would also cast all values to float32 and back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from greycard.backend import tensorflow_conv
from greycard.backend.choices import Ways
from greycard.backend.layer_settings import PRECISIONS, has_settings

_SETTINGS = {
    "dilation_rate": (1, 1),
    "groups": 1,
    "data_format": "channels_last",
    "activity_regularizer": None,
    "autocast": True,
    "lora_enabled": False,
    "activation": keras.activations.linear,
}
_FROZEN = {"renorm": False, "synchronized": False, "trainable": False, "activity_regularizer": None}


def matches(conv: Any, norm: Any) -> bool:
    """True if `fused` computes the same as these two layers.

    The first must be exactly `Conv2D` with the settings above, the second Keras's batch norm of its filters, frozen.
    """
    return (
        type(conv) is layers.Conv2D
        and has_settings(conv, _SETTINGS)
        and type(norm) is layers.BatchNormalization
        and norm.axis in (3, -1)
        and has_settings(norm, _FROZEN)
        and conv.dtype_policy.name in PRECISIONS
        and norm.dtype_policy == conv.dtype_policy
    )


def fused(conv: layers.Conv2D, norm: layers.BatchNormalization, chooser: Ways) -> Callable[[Any], Any]:
    """What two layers that match compute, in their compute dtype when it is called."""

    def call(x: Any) -> Any:
        scale, offset = _affine(conv, norm)
        kernel = tf.cast(conv.kernel * scale, conv.compute_dtype)
        return tf.nn.bias_add(_convolution(tf.cast(x, conv.compute_dtype), kernel, conv, chooser), offset)

    return call


def _affine(conv: layers.Conv2D, norm: layers.BatchNormalization) -> tuple[Any, Any]:
    """What the results of the convolution are multiplied by, float32 (filters,), and what is added, in its dtype."""
    scale = tf.math.rsqrt(tf.convert_to_tensor(norm.moving_variance) + norm.epsilon)
    scale = scale * norm.gamma if norm.scale else scale
    before = conv.bias - norm.moving_mean if conv.use_bias else -tf.convert_to_tensor(norm.moving_mean)
    offset = before * scale + norm.beta if norm.center else before * scale
    return scale, tf.cast(offset, conv.compute_dtype)


def _convolution(x: Any, kernel: Any, conv: layers.Conv2D, chooser: Ways) -> Any:
    if conv.kernel_size == conv.strides == (1, 1):  # a matrix product, which takes less time as one
        return tf.tensordot(x, kernel[0, 0], 1)
    if tensorflow_conv.matches(conv):
        shape = tensorflow_conv.shape_of(tensorflow_conv.OPERATION, x, kernel, conv.compute_dtype)
        return tensorflow_conv.convolution(x, kernel, conv.padding, chooser.way(shape, tensorflow_conv.ways_of(shape)))
    return tf.nn.conv2d(x, kernel, conv.strides, conv.padding.upper())
