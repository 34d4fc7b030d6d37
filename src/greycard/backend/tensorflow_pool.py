"""2×2 max pooling on a CPU, and the ways to compute it.

- `onednn`: TensorFlow's operation, which calls oneDNN; the plain way.
- `xla`: the position of each maximum is stored as one byte, and XLA writes the gradient in one pass. On processors
  without AVX-512, TensorFlow's gradient reads and writes only 2.5 GB/s (docs/log.md). Values are compared in float32:
  in bfloat16, XLA rounds after every comparison, which takes twice as long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from greycard.backend.choices import Shape, Ways
from greycard.backend.layer_settings import PRECISIONS, has_settings

OPERATION = "pool"

PLAIN, XLA = "onednn", "xla"

NOWHERE = 4
"""The position 0 to 3 of a window's maximum is replaced by this where ReLU made it 0: no pixel has a gradient there."""

_POOL = {
    "pool_size": (2, 2),
    "strides": (2, 2),
    "padding": "valid",
    "data_format": "channels_last",
    "activity_regularizer": None,
}


def has_windows(layer: keras.Layer) -> bool:
    """True if the layer is exactly max pooling in 2×2 windows that do not overlap."""
    return type(layer) is layers.MaxPooling2D and has_settings(layer, _POOL) and layer.dtype_policy.name in PRECISIONS


def matches(layer: keras.Layer) -> bool:
    """True if `fused` computes the same as this layer: such windows, on images of known size."""
    return has_windows(layer) and all(side is not None and side >= 2 for side in layer.input.shape[1:3])


def ways_of(shape: Shape) -> tuple[str, ...]:
    """The ways to compute it, the plain one first."""
    return PLAIN, XLA


def fused(layer: keras.Layer, chooser: Ways) -> Callable[[Any], Any]:
    """`max_pool` in place of a layer that matches."""

    def call(x: Any) -> Any:
        shape = Shape.of_images(OPERATION, x.shape, x.dtype.name)
        return max_pool(x, chooser.way(shape, ways_of(shape)))

    return call


def max_pool(x: Any, way: str = PLAIN) -> Any:
    """2×2 max pooling, which drops a last odd row or column; of equal values, the first has the gradient.

    Args:
        x: float32 or bfloat16 (b, height, width, channels).
        way: one of `ways_of`.

    Returns:
        The same type (b, height // 2, width // 2, channels).
    """
    return _by_xla(x) if way == XLA else tf.nn.max_pool2d(x, 2, 2, "VALID")


@tf.custom_gradient
def _by_xla(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    _, height, width, _ = x.shape
    pooled, place = _pool(x)
    return pooled, lambda upstream: _unpool(place, upstream, height, width)


@tf.function(jit_compile=True)
def _pool(x: Any) -> tuple[Any, Any]:
    pooled, place = largest(quarters(x))
    return tf.cast(pooled, x.dtype), place


@tf.function(jit_compile=True)
def _unpool(place: Any, upstream: Any, height: int, width: int) -> Any:
    return spread(place, upstream, height, width)


def quarters(x: Any) -> list[Any]:
    """Each 2×2 window's upper left, upper right, lower left and lower right pixels."""
    height, width = (side // 2 * 2 for side in x.shape[1:3])
    even = x[:, :height, :width]
    return [even[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]


def largest(values: Sequence[Any]) -> tuple[Any, Any]:
    """The largest of four values, float32, and its position, uint8; of equal values the first, as in TensorFlow."""
    first, *others = (tf.cast(value, tf.float32) for value in values)
    found, place = first, tf.zeros_like(first, tf.uint8)
    for position, value in enumerate(others, start=1):
        place = tf.where(value > found, tf.constant(position, tf.uint8), place)
        found = tf.maximum(found, value)
    return found, place


def spread(place: Any, upstream: Any, height: int, width: int) -> Any:
    """The gradient before pooling (b, height, width, channels): zero except at each maximum."""
    _, rows, columns, channels = upstream.shape
    nothing = tf.zeros_like(upstream)
    parts = [tf.where(place == position, upstream, nothing) for position in range(NOWHERE)]
    pixels = tf.stack([tf.stack(parts[row : row + 2], axis=3) for row in (0, 2)], axis=2)
    inner = tf.reshape(pixels, (-1, 2 * rows, 2 * columns, channels))
    return tf.pad(inner, [[0, 0], [0, height - 2 * rows], [0, width - 2 * columns], [0, 0]])
