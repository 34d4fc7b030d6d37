"""3×3 convolutions with a quarter of the multiplications: Winograd's F(4×4, 3×3), as passes over the memory.

The image is cut into tiles of 6×6 that overlap by two. Each tile, seen as 36 combinations of its pixels, becomes a
convolution's 4×4 results by 36 products, where the sums of a convolution take 144. For all tiles these products are 36
matrix products over the channels, which a processor does at its full rate; the combinations before and after are
additions at the speed of the memory, one axis at a time, so that none is computed twice. The gradients are the same
steps the other way round.

Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2015), with the points 0, 1, -1, 1/2, -2 and
infinity, whose rounding errors are smaller (Barabasz et al., Error Analysis and Improving the Accuracy of Winograd
Convolution for Deep Neural Networks, 2018): here within 1e-5 of the largest value, in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

FROM = 32
"""Channels, and filters, from which this is faster than sums in float32 (docs/log.md)."""

_STRIDE = 4
"""A tile's results along one axis, and how far one tile is from the next."""

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


def matches(x: Any, kernel: Any) -> bool:
    """Whether `convolve` computes this valid convolution with stride 1, and faster than sums: 3×3, float32, wide."""
    return x.dtype == tf.float32 and tuple(kernel.shape[:2]) == (3, 3) and min(kernel.shape[2:]) >= FROM


def convolve(x: Any, kernel: Any, height: int, width: int) -> tuple[Any, Gradients]:
    """A convolution without padding, or its upper left part, and its gradients.

    Args:
        x: float32 (b, at least height + 2, at least width + 2, channels).
        kernel: float32 (3, 3, channels, filters).
        height: rows of the result.
        width: its columns.

    Returns:
        The result, float32 (b, height, width, filters), and a function from its gradient to those of `x` and `kernel`.
    """
    down, across = -(-height // _STRIDE), -(-width // _STRIDE)
    pixels = _columns_apart(_rows_apart(x, down, of="pixels"), across, of="pixels")
    weights = _kernel_apart(kernel)
    products = tf.matmul(_as_matrices(pixels), _as_matrices(weights))
    results = tf.reshape(products, (*pixels.shape[:-1], kernel.shape[3]))
    result = _rows_together(_columns_together(results, of="results"), height, width, of="results")

    def gradients(upstream: Any) -> tuple[Any, Any]:
        apart = _as_matrices(_columns_apart(_rows_apart(upstream, down, of="results"), across, of="results"))
        of_pixels = tf.reshape(tf.matmul(apart, _as_matrices(weights), transpose_b=True), pixels.shape)
        of_weights = tf.reshape(tf.matmul(_as_matrices(pixels), apart, transpose_a=True), weights.shape)
        x_gradient = _rows_together(_columns_together(of_pixels, of="pixels"), *x.shape[1:3], of="pixels")
        return x_gradient, _kernel_together(of_weights)

    return result, gradients


_MATRICES = {"pixels": _OF_PIXELS, "results": _OF_RESULTS}


def _as_matrices(apart: Any) -> Any:
    """(6, 6, …, channels) as (36, all of them, channels)."""
    return tf.reshape(apart, (36, -1, apart.shape[-1]))


@tf.function(jit_compile=True)
def _rows_apart(x: Any, tiles: int, of: str) -> Any:
    """(b, height, width, c) as (6, b, tiles, width, c)."""
    return tf.stack(_windows(_MATRICES[of], x, tiles, axis=1))


@tf.function(jit_compile=True)
def _columns_apart(x: Any, tiles: int, of: str) -> Any:
    """(6, b, down, width, c) as (6, 6, b, down, tiles, c)."""
    return tf.stack(_windows(_MATRICES[of], x, tiles, axis=3), axis=1)


@tf.function(jit_compile=True)
def _columns_together(apart: Any, of: str) -> Any:
    """(6, 6, b, down, across, c) as (6, b, down, width, c)."""
    return _overlaid(_MATRICES[of], tf.unstack(apart, axis=1), axis=3)


@tf.function(jit_compile=True)
def _rows_together(apart: Any, height: int, width: int, of: str) -> Any:
    """(6, b, down, any width, c) as (b, height, width, c): cut off or filled up with zeros."""
    whole = _overlaid(_MATRICES[of], tf.unstack(apart), axis=1)[:, :height, :width]
    missing = height - whole.shape[1], width - whole.shape[2]
    return tf.pad(whole, [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]])


@tf.function(jit_compile=True)
def _kernel_apart(kernel: Any) -> Any:
    """(3, 3, c, f) as (6, 6, c, f)."""
    rows = tf.stack(_combined(_OF_KERNEL, tf.unstack(kernel)))
    return tf.stack(_combined(_OF_KERNEL, tf.unstack(rows, axis=1)), axis=1)


@tf.function(jit_compile=True)
def _kernel_together(apart: Any) -> Any:
    """(6, 6, c, f) as (3, 3, c, f)."""
    rows = tf.stack(_combined(_OF_KERNEL.T, tf.unstack(apart)))
    return tf.stack(_combined(_OF_KERNEL.T, tf.unstack(rows, axis=1)), axis=1)


def _windows(matrix: np.ndarray, x: Any, tiles: int, axis: int) -> list[Any]:
    """Each row's combination of every tile's pixels, `tiles` long on that axis."""
    size = matrix.shape[1]
    whole = _resized(x, (tiles - 1) * _STRIDE + size, axis)
    last = (tiles - 1) * _STRIDE + 1
    return _combined(matrix, [_every(whole, first, first + last, axis) for first in range(size)])


def _overlaid(matrix: np.ndarray, parts: Sequence[Any], axis: int) -> Any:
    """Its opposite: each tile's pixels from the combinations, those of overlapping tiles added up."""
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
    """Every fourth from `first` up to `end`."""
    return x[(*[slice(None)] * axis, slice(first, end, _STRIDE))]


def _resized(x: Any, size: int, axis: int) -> Any:
    """Cut off or filled up with zeros behind."""
    paddings = [[0, 0] for _ in x.shape]
    paddings[axis][1] = max(0, size - x.shape[axis])
    return tf.pad(x[(*[slice(None)] * axis, slice(0, size))], paddings)


def _shifted(x: Any, place: int, spill: int, axis: int) -> Any:
    paddings = [[0, 0] for _ in x.shape]
    paddings[axis] = [place, spill - place]
    return tf.pad(x, paddings)
