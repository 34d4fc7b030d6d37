"""Pairs of images that may be the same one, found without comparing every image with every other."""

from __future__ import annotations

import numpy as np

SIDE = 16
"""Pixels a side of what is described; smaller images are too much alike to be called nearly the same."""

_DIMENSIONS = 32
_SAMPLE = 5_000
_TABLES, _AHEAD = 16, 6
_NEAR = 0.8
"""Cosine of two descriptors from which a pair is a candidate; a crop of 5 % leaves about 0.9."""

_MOST = 20
"""Candidates kept for each image, the nearest ones."""


def descriptors(grey: np.ndarray) -> np.ndarray:
    """What an image shows, whatever its brightness and contrast: float32 (n, 32 at most), of length 1.

    Args:
        grey: float32 (n, side, side), a small side.

    The grey values without their mean, on the principal axes of a sample. Flat images give zeros.
    """
    values = grey.reshape(len(grey), -1)
    centred = _unit(values - values.mean(axis=1, keepdims=True))
    sample = centred[:: max(1, len(centred) // _SAMPLE)]
    spread = sample - sample.mean(axis=0)
    axes = np.linalg.eigh(spread.T @ spread)[1][:, ::-1][:, :_DIMENSIONS]  # far sooner than the sample's own SVD
    return _unit((centred - sample.mean(axis=0)) @ axes)


def candidates(points: np.ndarray, originals: int, seed: int = 0) -> np.ndarray:
    """Pairs of rows that point nearly the same way, int64 (pairs, 2), each once, the smaller row first.

    Locality-sensitive hashing: in each of several tables the rows are sorted by the signs of random projections, and
    each is compared with the next few. Time grows with the number of rows, not with its square; a pair can be missed
    that no table brings together (docs/check.md has how many are).

    Args:
        points: float32 (n, d), of length 1.
        originals: pairs are wanted of these first rows with each other or with the later ones.
        seed: of the projections.

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
    """Each wanted pair that is near, as one number."""
    first, second = np.minimum(one, other), np.maximum(one, other)
    wanted = first < originals
    first, second = first[wanted], second[wanted]
    near = np.einsum("nd,nd->n", points[first], points[second]) > _NEAR
    return first[near] * len(points) + second[near]


def _nearest(points: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Of every row the nearest few pairs: where all look alike, there would be millions."""
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
