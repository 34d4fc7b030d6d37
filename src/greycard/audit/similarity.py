"""Which candidate pairs show the same image: compared directly, then laid over each other."""

from __future__ import annotations

import cv2
import numpy as np

from greycard.audit.thumbnails import Thumbnails

CERTAIN, LIKELY = 0.002, 0.05
"""Distances, 1 minus correlation: below the first two images are one; up to the second they may be."""

_STANDS_OUT = 4.0
"""A pair is the same image only if it is so many times nearer than what else looks alike: two shirts are nearer to
each other than any two photographs."""

_RANK, _ALONE = 5, 0.6
"""The neighbour whose distance says how alike images are around here, and that distance where there are fewer."""

_WORTH_ALIGNING, MOST_ALIGNED, _DETAILED = 0.4, 20_000, 48
"""The nearest pairs up to this distance are laid over each other, which takes milliseconds each; and only images
of so many pixels a side: moved and sheared, any handwritten digit is any other."""

_FURTHEST = 0.15
"""How much of its side an image may be shifted, scaled or sheared by: a crop is, and is not pulled into shape."""

_DETAILS = 0.5
"""The least correlation of two images' details once one is laid over the other."""

_SIDE, _CHUNK = 32, 20_000
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-4)


def same_images(
    thumbnails: Thumbnails, pairs: np.ndarray, most_aligned: int = MOST_ALIGNED
) -> tuple[np.ndarray, np.ndarray]:
    """The pairs that show the same image, and how far apart the two are.

    Args:
        thumbnails: n images.
        pairs: int (pairs, 2) rows; row n + i is image i mirrored.
        most_aligned: so many pairs, the nearest, are laid over each other.

    Returns:
        The kept pairs int (kept, 2), nearest first, and their distances float (kept,): 0 is identical.

    The test that a match stands out from the next best is Lowe's ("Distinctive image features from scale-invariant
    keypoints", 2004); aligning is Evangelidis and Psarakis's ECC ("Parametric image alignment", 2008), OpenCV's.
    """
    distance = _distances(thumbnails, pairs)
    nearby = _of_pairs(_around(2 * len(thumbnails), pairs, distance), pairs)
    same = _is_same(distance, nearby)
    if min(thumbnails.colour.shape[1:3]) >= _DETAILED:
        for row in _worth_aligning(distance, same)[:most_aligned]:
            distance[row] = min(distance[row], _aligned(thumbnails, *pairs[row]))
        family = _of_pairs(_families(2 * len(thumbnails), pairs, distance), pairs)
        same = _is_same(distance, nearby) | (distance <= family)
    kept = np.flatnonzero(same)
    kept = kept[np.argsort(distance[kept], kind="stable")]
    return pairs[kept], distance[kept]


def _of_pairs(of_rows: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The smaller of what the two rows of each pair have."""
    return np.minimum(of_rows[pairs[:, 0]], of_rows[pairs[:, 1]])


def _worth_aligning(distance: np.ndarray, same: np.ndarray) -> np.ndarray:
    open_ones = np.flatnonzero(~same & (distance <= _WORTH_ALIGNING))
    return open_ones[np.argsort(distance[open_ones], kind="stable")]


def _is_same(distance: np.ndarray, nearby: np.ndarray) -> np.ndarray:
    return (distance <= CERTAIN) | ((distance <= LIKELY) & (distance * _STANDS_OUT <= nearby))


def _distances(thumbnails: Thumbnails, pairs: np.ndarray) -> np.ndarray:
    """1 minus the correlation of each pair's pixels, which brightness and contrast do not change."""
    grey = thumbnails.grey(min(_SIDE, *thumbnails.colour.shape[1:3]))
    found = [np.empty(0, np.float32)]
    for start in range(0, len(pairs), _CHUNK):
        first, second = (_unit(_turned(grey, rows)) for rows in pairs[start : start + _CHUNK].T)
        found.append(1 - np.einsum("nd,nd->n", first, second))
    return np.concatenate(found)


def _turned(grey: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The images of these rows, the later ones mirrored."""
    chosen = grey[rows % len(grey)]
    mirrored = rows >= len(grey)
    chosen[mirrored] = chosen[mirrored][:, :, ::-1]
    return chosen


def _unit(images: np.ndarray) -> np.ndarray:
    flat = images.reshape(len(images), -1)
    centred = flat - flat.mean(axis=1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)


def _around(count: int, pairs: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """How far each row's fifth neighbour is, of those that pairs tell of."""
    ordered, far, first = _neighbours(count, pairs, distance)
    enough = np.searchsorted(ordered, np.arange(count), side="right") - first >= _RANK
    around = np.full(count, _ALONE)
    around[enough] = far[first[enough] + _RANK - 1]
    return around


def _families(count: int, pairs: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Up to which distance each row's neighbours are copies of it: all before a gap that stands out, however many.

    Of six copies of one image each is the fifth neighbour of another, so that none stands out from it.
    """
    ordered, far, _ = _neighbours(count, pairs, distance)
    last = np.append(ordered[1:] != ordered[:-1], True) if len(ordered) else np.empty(0, bool)
    following = np.where(last, _ALONE, np.append(far[1:], _ALONE)) if len(ordered) else far
    gap = (far <= LIKELY) & (_STANDS_OUT * far <= following)
    reach = np.full(count, -1.0)
    np.maximum.at(reach, ordered[gap], far[gap])
    return reach


def _neighbours(count: int, pairs: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every row as often as it has neighbours, in order; how far these are, nearest first; where each row begins."""
    rows, both = np.concatenate([pairs[:, 0], pairs[:, 1]]), np.concatenate([distance, distance])
    order = np.lexsort((both, rows))
    return rows[order], both[order], np.searchsorted(rows[order], np.arange(count))


def _aligned(thumbnails: Thumbnails, first: int, second: int) -> float:
    """The distance of two images after one was shifted, scaled and sheared onto the other."""
    side = min(thumbnails.colour.shape[1:3])
    one, other = thumbnails.grey(side, [first % len(thumbnails), second % len(thumbnails)])
    other = np.ascontiguousarray(other[:, ::-1]) if second >= len(thumbnails) else other
    start = np.eye(2, 3, dtype=np.float32)
    try:
        correlation, found = cv2.findTransformECC(one, other, start, cv2.MOTION_AFFINE, _STOP, None, 3)
    except cv2.error:  # nothing to hold on to
        return 1.0
    if np.abs((found - start) / [1, 1, side]).max() > _FURTHEST:
        return 1.0
    laid = cv2.warpAffine(other, found, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return 1.0 - float(correlation) if _details_agree(one, laid) else 1.0


def _details_agree(one: np.ndarray, other: np.ndarray) -> bool:
    """Light and dark parts can lie alike in two photographs by chance; their details do not."""
    inner = slice(len(one) // 8, -len(one) // 8)
    fine = [(each - cv2.GaussianBlur(each, (0, 0), 2.5))[inner, inner].ravel() for each in (one, other)]
    return float(np.corrcoef(fine)[0, 1]) >= _DETAILS
