"""Locality-sensitive hashing: find candidate pairs of similar images without comparing all pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

SIDE = 16
"""Side length of the described images in pixels; smaller images are too similar to find near-duplicates."""

_DIMENSIONS = 32
SAMPLE = 5_000
"""Images whose principal axes are found, about."""

_TABLES, _AHEAD, _MORE_BITS = 64, 4, 4
"""The number of tables, how far a row is compared in each, and signs beyond those that number the rows."""

_NEAR = 0.8
"""A pair is a candidate if the cosine of its descriptors is larger; after a crop of 5 % it is about 0.9."""

_MOST = 20
"""The maximum number of candidates for each image; the nearest are kept."""

MOST_PAIRS = 20_000_000
"""Pairs in memory, some 120 bytes each."""

_STEPS = 127
"""Of an int8 number between 0 and 1."""

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
    return _described(count, grey, np.dtype(np.float32), lambda found: found)


def points(count: int, grey: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """As `descriptors`, in a quarter of the memory: int8 (count, at most 32)."""
    return _described(count, grey, np.dtype(np.int8), as_int8)


def _described(
    count: int,
    grey: Callable[[np.ndarray], np.ndarray],
    kind: np.dtype[Any],
    convert: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    axes = find_axes(grey(np.arange(0, count, max(1, count // SAMPLE))))
    found = np.empty((count, axes.axes.shape[1]), kind)
    for rows in _batches(count):
        found[rows] = convert(axes.project(grey(np.arange(count)[rows])))
    return found


def as_int8(values: np.ndarray) -> np.ndarray:
    """Descriptors float32 (n, d) of unit length as int8, in steps of 1/127."""
    return np.rint(values * _STEPS).astype(np.int8)


def candidates(points: np.ndarray, originals: int, seed: int = 0, most: int = MOST_PAIRS) -> np.ndarray:
    """Pairs of rows with nearly the same direction, int64 (pairs, 2), each once, the smaller row first.

    In each of several tables the rows are sorted by the signs of random projections, and each row is compared with the
    next few. The time grows with the number of rows, not with its square. A pair is missed if no table puts its rows
    close to each other (docs/check.md says how often).

    Args:
        points: int8 (n, d), as `points` makes them.
        originals: at least one row of each pair is among this many first rows. Row `originals + i` is the mirror image
            of row i, and no pair with it.
        seed: seed of the projections.
        most: the maximum number of pairs in memory; if there are more, the least alike are left out.

    Source: Charikar, "Similarity estimation techniques from rounding algorithms" (2002).
    """
    random, found = np.random.default_rng(seed), _Pairs(points, originals, most)
    bits = int(np.log2(max(len(points), 2))) + _MORE_BITS
    for _ in range(_TABLES):
        order = _sorted(points, random.standard_normal((points.shape[1], bits + 1)).astype(np.float32))
        for step in range(1, min(_AHEAD, len(order) - 1) + 1):
            for rows in _batches(len(order) - step):
                found.add(order[:-step][rows], order[step:][rows])
    firsts, seconds = np.divmod(found.all(), len(points))
    return _nearest(points, np.stack([firsts, seconds], axis=1))


class _Pairs:
    """Pairs that are near, each once, encoded as one number. Memory is bounded: see `candidates`."""

    def __init__(self, points: np.ndarray, originals: int, most: int) -> None:
        self._points, self._originals, self._most, self._near = points, originals, most, _NEAR
        self._codes, self._new, self._waiting = np.empty(0, np.int64), list[np.ndarray](), 0

    def add(self, one: np.ndarray, other: np.ndarray) -> None:
        """Add the pairs of these rows that are near."""
        first, second = np.minimum(one, other), np.maximum(one, other)
        wanted = (first < self._originals) & (second - first != self._originals)
        first, second = first[wanted], second[wanted]
        near = _likeness(self._points, first, second) > self._near
        self._new.append(first[near] * len(self._points) + second[near])
        self._waiting += len(self._new[-1])
        if self._waiting > self._most // 2:
            self.all()

    def all(self) -> np.ndarray:
        """The pairs so far."""
        self._codes = np.unique(np.concatenate([self._codes, *self._new]))
        self._new, self._waiting = [], 0
        if len(self._codes) > self._most:
            self._keep_half()
        return self._codes

    def _keep_half(self) -> None:
        """Leave out the less alike half, and from now on pairs that are no more alike than these."""
        likeness = np.empty(len(self._codes), np.float32)
        for some in _batches(len(self._codes)):
            likeness[some] = _likeness(self._points, *np.divmod(self._codes[some], len(self._points)))
        best = np.argpartition(-likeness, self._most // 2)[: self._most // 2]
        self._near = float(likeness[best].min())
        self._codes = np.sort(self._codes[best])


def _sorted(points: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """The rows, sorted by the signs of their projections on all planes but the last, then by the last projection."""
    bits = planes.shape[1] - 1
    codes, last = np.empty(len(points), np.int64), np.empty(len(points), np.float32)
    for rows in _batches(len(points)):
        projected = points[rows].astype(np.float32) @ planes
        codes[rows], last[rows] = (projected[:, :bits] > 0) @ (1 << np.arange(bits)), projected[:, bits]
    return np.lexsort((last, codes))


def _likeness(points: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The cosine of each pair of rows, float32."""
    first, second = points[one].astype(np.float32), points[other].astype(np.float32)
    return np.einsum("nd,nd->n", first, second) / np.float32(_STEPS**2)


def _nearest(points: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Keep the nearest few pairs of each row: if all images look alike, there would be millions."""
    likeness = np.empty(len(pairs), np.float32)
    for some in _batches(len(pairs)):
        likeness[some] = _likeness(points, *pairs[some].T)
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
