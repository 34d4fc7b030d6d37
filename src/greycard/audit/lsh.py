"""Locality-sensitive hashing: find candidate pairs of similar images without comparing all pairs."""

from __future__ import annotations

import numpy as np

SIDE = 16
"""Side length of the described images in pixels; smaller images are too similar to find near-duplicates."""

_DIMENSIONS = 32
_SAMPLE = 5_000
_TABLES, _AHEAD = 16, 6
_NEAR = 0.8
"""A pair is a candidate if the cosine of its descriptors is larger; after a crop of 5 % it is about 0.9."""

_MOST = 20
"""The maximum number of candidates for each image; the nearest are kept."""


def descriptors(grey: np.ndarray) -> np.ndarray:
    """Descriptors of images, independent of brightness and contrast: float32 (n, at most 32), unit length.

    Args:
        grey: float32 (n, side, side), with a small side.

    A descriptor is the grey values without their mean, projected on the principal axes of a sample. Flat images give
    zeros.
    """
    values = grey.reshape(len(grey), -1)
    centred = _unit(values - values.mean(axis=1, keepdims=True))
    sample = centred[:: max(1, len(centred) // _SAMPLE)]
    spread = sample - sample.mean(axis=0)
    axes = np.linalg.eigh(spread.T @ spread)[1][:, ::-1][:, :_DIMENSIONS]  # much faster than an SVD of the sample
    return _unit((centred - sample.mean(axis=0)) @ axes)


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
    random, found = np.random.default_rng(seed), [np.empty(0, np.int64)]
    bits = max(1, int(np.log2(max(len(points), 2))))
    for _ in range(_TABLES):
        projected = points @ random.standard_normal((points.shape[1], bits + 1)).astype(points.dtype)
        codes = (projected[:, :bits] > 0) @ (1 << np.arange(bits))
        order = np.lexsort((projected[:, bits], codes))
        for step in range(1, min(_AHEAD, len(order) - 1) + 1):
            found.append(_alike(points, order[:-step], order[step:], originals))
    firsts, seconds = np.divmod(np.unique(np.concatenate(found)), len(points))
    return _nearest(points, np.stack([firsts, seconds], axis=1))


def _alike(points: np.ndarray, one: np.ndarray, other: np.ndarray, originals: int) -> np.ndarray:
    """The pairs that are near, each encoded as one number."""
    first, second = np.minimum(one, other), np.maximum(one, other)
    wanted = first < originals
    first, second = first[wanted], second[wanted]
    near = np.einsum("nd,nd->n", points[first], points[second]) > _NEAR
    return first[near] * len(points) + second[near]


def _nearest(points: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Keep the nearest few pairs of each row: if all images look alike, there would be millions."""
    likeness = np.einsum("nd,nd->n", points[pairs[:, 0]], points[pairs[:, 1]])
    keep = np.zeros(len(pairs), dtype=bool)
    for side in (0, 1):
        order = np.lexsort((-likeness, pairs[:, side]))
        rows = pairs[order, side]
        rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
        keep[order[rank < _MOST]] = True
    return pairs[keep]


def _unit(values: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.divide(values, length, out=np.zeros_like(values), where=length > 1e-6).astype(np.float32)
