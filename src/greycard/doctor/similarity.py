"""Which candidate pairs show the same picture: compared directly, then laid over each other."""

from __future__ import annotations

import cv2
import numpy as np

from greycard.doctor.looks import Looks

CERTAIN, LIKELY = 0.002, 0.05
"""Distances, 1 minus correlation: below the first two pictures are one; up to the second they may be."""

_STANDS_OUT = 4.0
"""A pair is the same picture only if it is so many times nearer than what else looks alike: two shirts are nearer to
each other than any two photographs."""

_RANK, _ALONE = 5, 0.6
"""The neighbour whose distance says how alike pictures are around here, and that distance where there are fewer."""

_WORTH_ALIGNING, _DETAILED = 0.65, 48
"""Only pairs this much nearer than the others are laid over each other, which takes milliseconds; and only pictures of
so many pixels a side: moved and sheared, any handwritten one is any other."""

_SIDE, _CHUNK = 32, 20_000
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-4)


def same_pictures(looks: Looks, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs that show the same picture, and how far apart the two are.

    Args:
        looks: n pictures.
        pairs: int (pairs, 2) rows; row n + i is picture i mirrored.

    Returns:
        The kept pairs int (kept, 2), nearest first, and their distances float (kept,): 0 is identical.

    The test that a match stands out from the next best is Lowe's ("Distinctive image features from scale-invariant
    keypoints", 2004); aligning is Evangelidis and Psarakis's ECC ("Parametric image alignment", 2008), OpenCV's.
    """
    distance = _distances(looks, pairs)
    around = _around(2 * len(looks), pairs, distance)
    nearby = np.minimum(around[pairs[:, 0]], around[pairs[:, 1]])
    if min(looks.colour.shape[1:3]) >= _DETAILED:
        for row in np.flatnonzero(~_is_same(distance, nearby) & (distance <= _WORTH_ALIGNING * nearby)):
            distance[row] = min(distance[row], _aligned(looks, *pairs[row]))
    kept = np.flatnonzero(_is_same(distance, nearby))
    kept = kept[np.argsort(distance[kept], kind="stable")]
    return pairs[kept], distance[kept]


def _is_same(distance: np.ndarray, nearby: np.ndarray) -> np.ndarray:
    return (distance <= CERTAIN) | ((distance <= LIKELY) & (distance * _STANDS_OUT <= nearby))


def _distances(looks: Looks, pairs: np.ndarray) -> np.ndarray:
    """1 minus the correlation of each pair's pixels, which brightness and contrast do not change."""
    grey = looks.grey(min(_SIDE, *looks.colour.shape[1:3]))
    found = [np.empty(0, np.float32)]
    for start in range(0, len(pairs), _CHUNK):
        first, second = (_unit(_turned(grey, rows)) for rows in pairs[start : start + _CHUNK].T)
        found.append(1 - np.einsum("nd,nd->n", first, second))
    return np.concatenate(found)


def _turned(grey: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The pictures of these rows, the later ones mirrored."""
    chosen = grey[rows % len(grey)]
    mirrored = rows >= len(grey)
    chosen[mirrored] = chosen[mirrored][:, :, ::-1]
    return chosen


def _unit(pictures: np.ndarray) -> np.ndarray:
    flat = pictures.reshape(len(pictures), -1)
    centred = flat - flat.mean(axis=1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)


def _around(count: int, pairs: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """How far each row's fifth neighbour is, of those that pairs tell of."""
    rows, both = np.concatenate([pairs[:, 0], pairs[:, 1]]), np.concatenate([distance, distance])
    order = np.lexsort((both, rows))
    ordered, far = rows[order], both[order]
    first = np.searchsorted(ordered, np.arange(count))
    enough = np.searchsorted(ordered, np.arange(count), side="right") - first >= _RANK
    around = np.full(count, _ALONE)
    around[enough] = far[first[enough] + _RANK - 1]
    return around


def _aligned(looks: Looks, first: int, second: int) -> float:
    """The distance of two pictures after one was shifted, scaled and sheared onto the other."""
    side = min(looks.colour.shape[1:3])
    one, other = looks.grey(side, [first % len(looks), second % len(looks)])
    other = np.ascontiguousarray(other[:, ::-1]) if second >= len(looks) else other
    start = np.eye(2, 3, dtype=np.float32)
    try:
        correlation, _ = cv2.findTransformECC(one, other, start, cv2.MOTION_AFFINE, _STOP, None, 3)
    except cv2.error:  # nothing to hold on to
        return 1.0
    return 1.0 - float(correlation)
