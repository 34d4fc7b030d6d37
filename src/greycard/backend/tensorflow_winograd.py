"""3×3 convolutions with a quarter of the multiplications: Winograd's F(4×4, 3×3).

The image is cut into tiles of 6×6 pixels that overlap by two. Each tile is transformed into 36 linear combinations of
its pixels. From these, 36 products give the convolution's 4×4 results; a direct convolution needs 144 products. Over
all tiles and channels they are 36 matrix products, which run at a processor's full rate. The transforms before and
after are additions, limited by memory speed. They are done one axis at a time, so nothing is computed twice. The
gradients use the same steps in reverse order.

Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2015), with the points 0, 1, -1, 1/2, -2 and
infinity, which have smaller rounding errors (Barabasz et al., Error Analysis and Improving the Accuracy of Winograd
Convolution for Deep Neural Networks, 2018): in float32 below 1e-5 of the largest value.

Everything is computed in float32. Images in bfloat16 are converted where they are read, and results where they are
written, so their rounding errors are those of a direct convolution. Products in bfloat16 would have seven times larger
ones (docs/log.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

_STRIDE = 4
"""The number of results of a tile along one axis, which is also the distance from one tile to the next."""

_OF_PIXELS = np.array(
    [
        [1, -3 / 2, -2, 3 / 2, 1, 0],
        [0, -1, 1 / 2, 5 / 2, 1, 0],
        [0, 1, -5 / 2, 1 / 2, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 1 / 2, -1, -1 / 2, 1, 0],
        [0, 1, -3 / 2, -2, 3 / 2, 1],
    ]
)
_OF_KERNEL = np.array(
    [
        [1, 0, 0],
        [1 / 3, 1 / 3, 1 / 3],
        [-1 / 3, 1 / 3, -1 / 3],
        [-16 / 15, -8 / 15, -4 / 15],
        [1 / 15, -2 / 15, 4 / 15],
        [0, 0, 1],
    ]
)
_OF_RESULTS = np.array(
    [
        [1, 0, 0, 0],
        [1, 1, 1, 1],
        [1, -1, 1, -1],
        [1, 1 / 2, 1 / 4, 1 / 8],
        [1, -2, 4, -8],
        [0, 0, 0, 1],
    ]
)

Gradients = Callable[[Any], tuple[Any, Any]]


def convolve(x: Any, kernel: Any, height: int, width: int) -> tuple[Any, Gradients]:
    """A convolution without padding, or its upper left part, with its gradients.

    Args:
        x: float32 or bfloat16 (b, at least height + 2, at least width + 2, channels).
        kernel: the same type (3, 3, channels, filters).
        height: number of rows of the result.
        width: number of columns of the result.

    Returns:
        The result, of the same type (b, height, width, filters), and a function that maps the result's gradient to the
        gradients of `x` and `kernel`.
    """
    down, across = -(-height // _STRIDE), -(-width // _STRIDE)
    pixels = _columns_apart(_rows_apart(x, down, of="pixels"), across, of="pixels")
    weights = _kernel_apart(kernel)
    products = tf.matmul(_as_matrices(pixels), _as_matrices(weights))
    results = tf.reshape(products, (*pixels.shape[:-1], kernel.shape[3]))
    result = _rows_together(_columns_together(results, of="results"), height, width, "results", x.dtype)

    def gradients(upstream: Any) -> tuple[Any, Any]:
        apart = _as_matrices(_columns_apart(_rows_apart(upstream, down, of="results"), across, of="results"))
        of_pixels = tf.reshape(tf.matmul(apart, _as_matrices(weights), transpose_b=True), pixels.shape)
        of_weights = tf.reshape(tf.matmul(_as_matrices(pixels), apart, transpose_a=True), weights.shape)
        x_gradient = _rows_together(_columns_together(of_pixels, of="pixels"), *x.shape[1:3], "pixels", x.dtype)
        return x_gradient, tf.cast(_kernel_together(of_weights), kernel.dtype)

    return result, gradients


_MATRICES = {"pixels": _OF_PIXELS, "results": _OF_RESULTS}


def _as_matrices(apart: Any) -> Any:
    """Reshape (6, 6, …, channels) to (36, n, channels)."""
    return tf.reshape(apart, (36, -1, apart.shape[-1]))


@tf.function(jit_compile=True)
def _rows_apart(x: Any, tiles: int, of: str) -> Any:
    """Transform (b, height, width, c) to (6, b, tiles, width, c), float32."""
    return tf.stack(_windows(_MATRICES[of], tf.cast(x, tf.float32), tiles, axis=1))


@tf.function(jit_compile=True)
def _columns_apart(x: Any, tiles: int, of: str) -> Any:
    """Transform (6, b, down, width, c) to (6, 6, b, down, tiles, c)."""
    return tf.stack(_windows(_MATRICES[of], x, tiles, axis=3), axis=1)


@tf.function(jit_compile=True)
def _columns_together(apart: Any, of: str) -> Any:
    """Transform (6, 6, b, down, across, c) back to (6, b, down, width, c)."""
    return _overlaid(_MATRICES[of], tf.unstack(apart, axis=1), axis=3)


@tf.function(jit_compile=True)
def _rows_together(apart: Any, height: int, width: int, of: str, dtype: Any) -> Any:
    """Transform (6, b, down, any width, c) back to (b, height, width, c) of this type, cropped or zero-padded."""
    whole = _overlaid(_MATRICES[of], tf.unstack(apart), axis=1)[:, :height, :width]
    missing = height - whole.shape[1], width - whole.shape[2]
    return _rounded(tf.pad(whole, [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]]), dtype)


def _rounded(x: Any, dtype: Any) -> Any:
    """Float32 as this type; to the nearest bfloat16 in half the time of XLA's conversion, which treats NaN apart."""
    if dtype != tf.bfloat16:
        return x
    bits = tf.bitcast(x, tf.uint32) + tf.constant(1 << 15, tf.uint32)
    return tf.bitcast(tf.cast(tf.bitwise.right_shift(bits, tf.constant(16, tf.uint32)), tf.uint16), tf.bfloat16)


@tf.function(jit_compile=True)
def _kernel_apart(kernel: Any) -> Any:
    """Transform (3, 3, c, f) to (6, 6, c, f)."""
    rows = tf.stack(_combined(_OF_KERNEL, tf.unstack(tf.cast(kernel, tf.float32))))
    return tf.stack(_combined(_OF_KERNEL, tf.unstack(rows, axis=1)), axis=1)


@tf.function(jit_compile=True)
def _kernel_together(apart: Any) -> Any:
    """Transform (6, 6, c, f) back to (3, 3, c, f)."""
    rows = tf.stack(_combined(_OF_KERNEL.T, tf.unstack(apart)))
    return tf.stack(_combined(_OF_KERNEL.T, tf.unstack(rows, axis=1)), axis=1)


def _windows(matrix: np.ndarray, x: Any, tiles: int, axis: int) -> list[Any]:
    """For each row of the matrix, the combination of every tile's pixels; that axis then has length `tiles`."""
    size = matrix.shape[1]
    whole = _resized(x, (tiles - 1) * _STRIDE + size, axis)
    last = (tiles - 1) * _STRIDE + 1
    return _combined(matrix, [_every(whole, first, first + last, axis) for first in range(size)])


def _overlaid(matrix: np.ndarray, parts: Sequence[Any], axis: int) -> Any:
    """The transpose of `_windows`: each tile's pixels from the combinations, summed where tiles overlap."""
    pixels = _combined(matrix.T, parts)
    spill = int(len(pixels) > _STRIDE)
    phases = []
    for first in range(_STRIDE):
        here = [_shifted(pixel, place, spill, axis) for place, pixel in enumerate(pixels[first::_STRIDE])]
        phases.append(sum(here[1:], here[0]))
    shape = phases[0].shape
    return tf.reshape(tf.stack(phases, axis=axis + 1), (*shape[:axis], -1, *shape[axis + 1 :]))


def _combined(matrix: np.ndarray, arrays: Sequence[Any]) -> list[Any]:
    return [_sum(row.tolist(), arrays) for row in matrix]


def _sum(factors: Sequence[float], arrays: Sequence[Any]) -> Any:
    terms = [array if factor == 1 else array * factor for factor, array in zip(factors, arrays, strict=True) if factor]
    return sum(terms[1:], terms[0])


def _every(x: Any, first: int, end: int, axis: int) -> Any:
    """Every fourth element from `first` up to `end`."""
    return x[(*[slice(None)] * axis, slice(first, end, _STRIDE))]


def _resized(x: Any, size: int, axis: int) -> Any:
    """Crop or pad the end with zeros."""
    paddings = [[0, 0] for _ in x.shape]
    paddings[axis][1] = max(0, size - x.shape[axis])
    return tf.pad(x[(*[slice(None)] * axis, slice(0, size))], paddings)


def _shifted(x: Any, place: int, spill: int, axis: int) -> Any:
    paddings = [[0, 0] for _ in x.shape]
    paddings[axis] = [place, spill - place]
    return tf.pad(x, paddings)
