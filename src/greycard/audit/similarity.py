"""Decide which candidate pairs show the same image: compare them directly, then align one with the other."""

from __future__ import annotations

import cv2
import numpy as np

from greycard.audit.thumbnails import Thumbnails
from greycard.pipeline.cache import scratch_array

CERTAIN, LIKELY = 0.002, 0.05
"""Limits of the distance, which is 1 minus correlation: up to the first, two images are the same; up to the second,
they may be."""

_STANDS_OUT = 4.0
"""An uncertain pair is the same image only if it is this many times nearer than other similar images: two drawn shirts
are nearer to each other than any two photographs."""

_RANK, _ALONE = 5, 0.6
"""The distance of the neighbour of this rank shows how similar nearby images are; the default if there are fewer."""

_WORTH_ALIGNING, MOST_ALIGNED, _DETAILED = 0.4, 20_000, 48
"""Alignment takes milliseconds for each pair. So only pairs up to this distance are aligned, at most this many, and
only images with at least this many pixels a side: after a shift and shear, handwritten digits match each other."""

_FURTHEST = 0.15
"""The largest shift, scale or shear, as a fraction of the side: enough for a crop, too little to match other images."""

_DETAILS = 0.5
"""The minimum correlation of the details of two aligned images."""

_SIDE, _CHUNK = 32, 20_000
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-4)


def same_images(
    thumbnails: Thumbnails, pairs: np.ndarray, most_aligned: int = MOST_ALIGNED
) -> tuple[np.ndarray, np.ndarray]:
    """Select the pairs that show the same image.

    Args:
        thumbnails: n images.
        pairs: int (pairs, 2) rows; row n + i is image i mirrored.
        most_aligned: the maximum number of pairs to align; the nearest are aligned.

    Returns:
        The selected pairs, int (kept, 2), nearest first, and their distances, float (kept,); 0 is identical.

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
    """For each pair, the smaller value of its two rows."""
    return np.minimum(of_rows[pairs[:, 0]], of_rows[pairs[:, 1]])


def _worth_aligning(distance: np.ndarray, same: np.ndarray) -> np.ndarray:
    open_ones = np.flatnonzero(~same & (distance <= _WORTH_ALIGNING))
    return open_ones[np.argsort(distance[open_ones], kind="stable")]


def _is_same(distance: np.ndarray, nearby: np.ndarray) -> np.ndarray:
    return (distance <= CERTAIN) | ((distance <= LIKELY) & (distance * _STANDS_OUT <= nearby))


def _distances(thumbnails: Thumbnails, pairs: np.ndarray) -> np.ndarray:
    """1 minus the correlation of each pair's pixels; independent of brightness and contrast."""
    side = min(_SIDE, *thumbnails.colour.shape[1:3])
    grey = scratch_array((len(thumbnails), side, side), np.float32)
    for row in range(len(thumbnails)):
        grey[row] = thumbnails.grey(side, [row])[0]
    found = [np.empty(0, np.float32)]
    for start in range(0, len(pairs), _CHUNK):
        first, second = (_unit(_turned(grey, rows)) for rows in pairs[start : start + _CHUNK].T)
        found.append(1 - np.einsum("nd,nd->n", first, second))
    return np.concatenate(found)


def _turned(grey: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The images of these rows; rows from n on are mirrored."""
    chosen = grey[rows % len(grey)]
    mirrored = rows >= len(grey)
    chosen[mirrored] = chosen[mirrored][:, :, ::-1]
    return chosen


def _unit(images: np.ndarray) -> np.ndarray:
    flat = images.reshape(len(images), -1)
    centred = flat - flat.mean(axis=1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)


def _around(count: int, pairs: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """The distance of each row's fifth neighbour among the pairs."""
    ordered, far, first = _neighbours(count, pairs, distance)
    enough = np.searchsorted(ordered, np.arange(count), side="right") - first >= _RANK
    around = np.full(count, _ALONE)
    around[enough] = far[first[enough] + _RANK - 1]
    return around


def _families(count: int, pairs: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """For each row, the distance up to which its neighbours are copies of it: all neighbours before a large gap.

    This is needed for many copies: of six copies of an image, each is another's fifth neighbour, so none stands out.
    """
    ordered, far, _ = _neighbours(count, pairs, distance)
    last = np.append(ordered[1:] != ordered[:-1], True) if len(ordered) else np.empty(0, bool)
    following = np.where(last, _ALONE, np.append(far[1:], _ALONE)) if len(ordered) else far
    gap = (far <= LIKELY) & (_STANDS_OUT * far <= following)
    reach = np.full(count, -1.0)
    np.maximum.at(reach, ordered[gap], far[gap])
    return reach


def _neighbours(count: int, pairs: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each row, repeated for each neighbour, sorted; the neighbours' distances, nearest first; each row's start."""
    rows, both = np.concatenate([pairs[:, 0], pairs[:, 1]]), np.concatenate([distance, distance])
    order = np.lexsort((both, rows))
    return rows[order], both[order], np.searchsorted(rows[order], np.arange(count))


def _aligned(thumbnails: Thumbnails, first: int, second: int) -> float:
    """The distance of two images after one is aligned with the other by shift, scale and shear."""
    side = min(thumbnails.colour.shape[1:3])
    one, other = thumbnails.grey(side, [first % len(thumbnails), second % len(thumbnails)])
    other = np.ascontiguousarray(other[:, ::-1]) if second >= len(thumbnails) else other
    start = np.eye(2, 3, dtype=np.float32)
    try:
        correlation, found = cv2.findTransformECC(one, other, start, cv2.MOTION_AFFINE, _STOP, None, 3)
    except cv2.error:  # it did not converge
        return 1.0
    if np.abs((found - start) / [1, 1, side]).max() > _FURTHEST:
        return 1.0
    warped = cv2.warpAffine(other, found, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return 1.0 - float(correlation) if _details_agree(one, warped) else 1.0


def _details_agree(one: np.ndarray, other: np.ndarray) -> bool:
    """Compare fine details: two photographs can have similar light areas by chance, but not similar details."""
    inner = slice(len(one) // 8, -len(one) // 8)
    fine = [(each - cv2.GaussianBlur(each, (0, 0), 2.5))[inner, inner].ravel() for each in (one, other)]
    return float(np.corrcoef(fine)[0, 1]) >= _DETAILS
