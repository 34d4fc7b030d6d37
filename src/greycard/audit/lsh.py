"""Locality-sensitive hashing: find candidate pairs of similar images without comparing all pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

SIDE = 16
"""Side length of the described images in pixels; smaller images are too similar to find near-duplicates."""

_DIMENSIONS = 32
SAMPLE = 5_000
"""Images whose principal axes are found, about."""

_TABLES, _AHEAD = 16, 6
_NEAR = 0.8
"""A pair is a candidate if the cosine of its descriptors is larger; after a crop of 5 % it is about 0.9."""

_MOST = 20
"""The maximum number of candidates for each image; the nearest are kept."""

_TOGETHER = 1 << 14
"""Rows or pairs in a batch."""


@dataclass(frozen=True)
class Axes:
    """The principal axes of images, whose brightness and contrast are removed.

    Attributes:
        mean: float32 (pixels,).
        axes: float32 (pixels, at most 32).
    """

    mean: np.ndarray
    axes: np.ndarray

    def project(self, grey: np.ndarray) -> np.ndarray:
        """Descriptors of grey images (n, side, side): float32 (n, at most 32), unit length; zeros for flat images."""
        values = _centred(grey)
        found = _unit((values - self.mean) @ self.axes)
        found[~values.any(axis=1)] = 0
        return found


def find_axes(sample: np.ndarray) -> Axes:
    """The axes of some images, one or more: float32 (n, side, side), with a small side."""
    values = _centred(sample)
    mean = values.mean(axis=0)
    spread = values - mean
    return Axes(mean, np.linalg.eigh(spread.T @ spread)[1][:, ::-1][:, :_DIMENSIONS])  # much faster than an SVD


def descriptors(count: int, grey: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Descriptors of images, independent of brightness and contrast: float32 (count, at most 32), unit length.

    Args:
        count: number of images.
        grey: from rows to images, float32 (rows, side, side), with a small side; called for some rows at a time.

    A descriptor is the grey values without their mean, projected on the principal axes of a sample.
    """
    found = find_axes(grey(np.arange(0, count, max(1, count // SAMPLE))))
    points = np.empty((count, found.axes.shape[1]), np.float32)
    for rows in _batches(count):
        points[rows] = found.project(grey(np.arange(count)[rows]))
    return points


def candidates(points: np.ndarray, originals: int, seed: int = 0) -> np.ndarray:
    """Pairs of rows with nearly the same direction, int64 (pairs, 2), each once, the smaller row first.

    In each of several tables the rows are sorted by the signs of random projections, and each row is compared with the
    next few. The time grows with the number of rows, not with its square. A pair is missed if no table puts its rows
    close to each other (docs/check.md says how often).

    Args:
        points: float32 (n, d), unit length.
        originals: at least one row of each pair is among this many first rows.
        seed: seed of the projections.

    Source: Charikar, "Similarity estimation techniques from rounding algorithms" (2002).
    """
    random, found = np.random.default_rng(seed), np.empty(0, np.int64)
    bits = max(1, int(np.log2(max(len(points), 2))))
    for _ in range(_TABLES):
        order = _sorted(points, random.standard_normal((points.shape[1], bits + 1)).astype(points.dtype))
        steps = range(1, min(_AHEAD, len(order) - 1) + 1)
        new = [_alike(points, order[:-step][rows], order[step:][rows], originals)
               for step in steps for rows in _batches(len(order) - step)]  # fmt: skip
        found = np.unique(np.concatenate([found, *new]))
    firsts, seconds = np.divmod(found, len(points))
    return _nearest(points, np.stack([firsts, seconds], axis=1))


def _sorted(points: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """The rows, sorted by the signs of their projections on all planes but the last, then by the last projection."""
    bits = planes.shape[1] - 1
    codes, last = np.empty(len(points), np.int64), np.empty(len(points), points.dtype)
    for rows in _batches(len(points)):
        projected = points[rows] @ planes
        codes[rows], last[rows] = (projected[:, :bits] > 0) @ (1 << np.arange(bits)), projected[:, bits]
    return np.lexsort((last, codes))


def _alike(points: np.ndarray, one: np.ndarray, other: np.ndarray, originals: int) -> np.ndarray:
    """The pairs that are near, each encoded as one number."""
    first, second = np.minimum(one, other), np.maximum(one, other)
    wanted = first < originals
    first, second = first[wanted], second[wanted]
    near = np.einsum("nd,nd->n", points[first], points[second]) > _NEAR
    return first[near] * len(points) + second[near]


def _nearest(points: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Keep the nearest few pairs of each row: if all images look alike, there would be millions."""
    likeness = np.empty(len(pairs), points.dtype)
    for some in _batches(len(pairs)):
        likeness[some] = np.einsum("nd,nd->n", points[pairs[some, 0]], points[pairs[some, 1]])
    keep = np.zeros(len(pairs), dtype=bool)
    for side in (0, 1):
        order = np.lexsort((-likeness, pairs[:, side]))
        rows = pairs[order, side]
        rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
        keep[order[rank < _MOST]] = True
    return pairs[keep]


def _batches(count: int) -> Iterator[slice]:
    """All rows, some at a time, so that memory for intermediate results does not grow."""
    return (slice(start, min(start + _TOGETHER, count)) for start in range(0, count, _TOGETHER))


def _centred(grey: np.ndarray) -> np.ndarray:
    values = grey.reshape(len(grey), grey.shape[1] * grey.shape[2])
    return _unit(values - values.mean(axis=1, keepdims=True))


def _unit(values: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.divide(values, length, out=np.zeros_like(values), where=length > 1e-6).astype(np.float32)
