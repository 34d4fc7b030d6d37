"""Duplicates: the same file, the same pixels, or nearly the same image."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from greycard.audit.connected import connected_rows
from greycard.audit.lsh import SIDE, candidates, points
from greycard.audit.similarity import MOST_ALIGNED, same_images
from greycard.audit.thumbnails import Thumbnails
from greycard.datasets.dataset import Dataset
from greycard.datasets.digests import file_digest
from greycard.datasets.images import UnreadableImageError, opened
from greycard.pipeline.array_split import rows_of

_BAND = 256
"""Number of rows of an image that are hashed at a time."""

_CLOSE = 8.0
"""If the mean difference of two thumbnails (0 to 255) is larger than this, their images have different pixels."""

FEW_ALIGNED = 1_000
"""As `most_aligned` where the user waits for something else: each takes milliseconds."""

SAME_FILE, SAME_PIXELS, NEAR = "the same file", "the same pixels", "nearly the same"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rows of the thumbnails that show the same image.

    Attributes:
        first: the smaller row number.
        second: the larger row number.
        how: `SAME_FILE`, `SAME_PIXELS` or `NEAR`.
        distance: 0 for the same pixels, else 1 minus their correlation.
        mirrored: True if one is the other's mirror image.
    """

    first: int
    second: int
    how: str
    distance: float = 0.0
    mirrored: bool = False

    @property
    def words(self) -> str:
        return self.how + (", mirrored" if self.mirrored else "")


def find_pairs(thumbnails: Thumbnails, dataset: Dataset, *, most_aligned: int = MOST_ALIGNED) -> list[Pair]:
    """All pairs found, the most certain first. Images without content are only compared for equality.

    `most_aligned` limits the time: it is the maximum number of pairs that are checked for crops.
    """
    if len(thumbnails) < 2:
        return []
    whole = _WholeImages(thumbnails, _files(dataset))
    exact = [pair for rows in _alike(thumbnails) for pair in whole.exact_pairs(rows)]
    known = {(pair.first, pair.second) for pair in exact}
    similar = _similar(thumbnails, most_aligned) if min(thumbnails.colour.shape[1:3]) >= SIDE else []
    near = (pair for pair in similar if (pair.first, pair.second) not in known)
    return exact + [replace(pair, how=SAME_PIXELS, distance=0.0) if whole.same_pixels(pair) else pair for pair in near]


def exact_pairs(rows: Sequence[int], content: Callable[[int], str], pixels: Callable[[int], str]) -> list[Pair]:
    """Pair each image with the first one that has the same pixels.

    Args:
        rows: of images with equal thumbnails.
        content: the digest of a row's file.
        pixels: the digest of a row's full-size pixels; called once for equal files, and not at all if all are equal.
    """
    contents = {row: content(row) for row in rows}
    first_of = {contents[row]: row for row in reversed(rows)}
    if len(first_of) == 1:
        return [Pair(rows[0], row, SAME_FILE) for row in rows[1:]]
    return [
        Pair(same[0], row, SAME_FILE if contents[row] == contents[same[0]] else SAME_PIXELS)
        for same in _by_key(rows, lambda row: pixels(first_of[contents[row]]))
        for row in same[1:]
    ]


def near_pairs(thumbnails: Thumbnails, candidates: np.ndarray, most_aligned: int = MOST_ALIGNED) -> list[Pair]:
    """The candidates that show nearly the same image, the most certain first.

    Args:
        thumbnails: n images.
        candidates: int (pairs, 2), the smaller row first; row n + i is image i mirrored, and never with row i.
        most_aligned: the maximum number of pairs that are checked for crops.
    """
    count = len(thumbnails)
    kept, distances = same_images(thumbnails, candidates, most_aligned)
    return _once(
        _near(int(one), int(other), count, float(distance))
        for (one, other), distance in zip(kept, distances, strict=True)
    )


def may_have_same_pixels(thumbnails: Thumbnails, pair: Pair) -> bool:
    """Whether a near-duplicate may have the same pixels: JPEG and PNG are reduced differently, so thumbnails differ."""
    one, other = (thumbnails.colour[row].astype(np.int16) for row in (pair.first, pair.second))
    return not pair.mirrored and float(np.abs(one - other).mean()) <= _CLOSE


def pixels_digest(source: bytes | Path, otherwise: str) -> str:
    """Digest of a full-size image's pixels; an unreadable file gets a unique value."""
    try:
        with opened(source) as image:
            digest = hashlib.sha256(repr(image.size).encode())
            for top in range(0, image.height, _BAND):  # in bands, to avoid a second copy of a large image
                band = image.crop((0, top, image.width, min(top + _BAND, image.height)))
                digest.update(band.convert("RGBA").tobytes())
            return digest.hexdigest()
    except UnreadableImageError:
        return otherwise


class _WholeImages:
    """The full-size images, for pairs that thumbnails cannot decide. Each file is decoded at most once, even if it is
    compared with many others."""

    def __init__(self, thumbnails: Thumbnails, files: dict[str, Path]) -> None:
        self.thumbnails, self.files = thumbnails, files
        self._digests: dict[int, str] = {}

    def exact_pairs(self, rows: list[int]) -> list[Pair]:
        if not self.files:  # arrays have no larger images
            return [Pair(rows[0], row, SAME_PIXELS) for row in rows[1:]]
        return exact_pairs(rows, self.content, self.pixels)

    def same_pixels(self, pair: Pair) -> bool:
        if not self.files or not may_have_same_pixels(self.thumbnails, pair):
            return False
        return self.pixels(pair.first) == self.pixels(pair.second)

    def pixels(self, row: int) -> str:
        if row not in self._digests:
            path = self.files[self.thumbnails.ids[row]]
            self._digests[row] = pixels_digest(path, str(path))
        return self._digests[row]

    def content(self, row: int) -> str:
        path = self.files[self.thumbnails.ids[row]]
        try:
            return file_digest(path)
        except OSError:  # it is no longer there
            return str(path)


def _alike(thumbnails: Thumbnails) -> list[list[int]]:
    """Groups of images with equal thumbnails; images with the same bytes or pixels are always in one group.

    Digests are sorted, so that memory is 16 bytes for a digest, and as much to sort it.
    """
    digests = np.empty((len(thumbnails), 2), np.uint64)
    for row, image in enumerate(rows_of(thumbnails.colour)):
        digests[row] = np.frombuffer(hashlib.sha256(image.tobytes()).digest()[:16], np.uint64)
    order = np.lexsort(digests.T)  # equal ones stay in the order of their rows
    same = np.flatnonzero((digests[order[1:]] == digests[order[:-1]]).all(axis=1))
    runs = np.split(same, np.flatnonzero(np.diff(same) > 1) + 1) if len(same) else []
    return sorted(order[run[0] : run[-1] + 2].tolist() for run in runs)


def _similar(thumbnails: Thumbnails, most_aligned: int) -> list[Pair]:
    """Compare each image with the others and with their mirror images."""
    count = len(thumbnails)
    described = points(2 * count, lambda rows: thumbnails.turned(SIDE, rows))
    return near_pairs(thumbnails, candidates(described, originals=count), most_aligned)


def _near(one: int, other: int, count: int, distance: float) -> Pair:
    first, second = sorted((one, other % count))
    return Pair(first, second, NEAR, max(distance, 0.0), mirrored=other >= count)


def _once(pairs: Iterable[Pair]) -> list[Pair]:
    """Remove repeated pairs: mirrored pairs are found from both sides, and symmetric images also unmirrored."""
    found: dict[tuple[int, int], Pair] = {}
    for pair in pairs:
        found.setdefault((pair.first, pair.second), pair)
    return list(found.values())


def grouped(pairs: Sequence[Pair]) -> list[list[int]]:
    """Groups of connected rows; each group is sorted, and the groups are in the order of their most certain pair."""
    rows, places = np.unique([(pair.first, pair.second) for pair in pairs], return_inverse=True)
    both = places.reshape(-1, 2)
    part = connected_rows(len(rows), both)
    members: dict[int, list[int]] = {int(part[place]): [] for place in both[:, 0]}
    for row, number in zip(rows.tolist(), part.tolist(), strict=True):
        members[number].append(row)
    return list(members.values())


def surest_pairs(pairs: Iterable[Pair]) -> dict[int, Pair]:
    """The first, which is the most certain, pair of each row."""
    found: dict[int, Pair] = {}
    for pair in pairs:
        found.setdefault(pair.first, pair)
        found.setdefault(pair.second, pair)
    return found


def _by_key(rows: Iterable[int], key: Callable[[int], object]) -> list[list[int]]:
    """Groups of two or more rows with the same key."""
    groups = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return [group for group in groups.values() if len(group) > 1]


def _files(dataset: Dataset) -> dict[str, Path]:
    return {
        id: path
        for split in dataset.splits
        if isinstance(split.images, tuple)
        for id, path in zip(split.ids, split.images, strict=True)
    }
