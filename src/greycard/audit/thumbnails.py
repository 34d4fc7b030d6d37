"""Thumbnails of all images of a dataset in one array; they are decoded once and cached."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from greycard.datasets.dataset import Dataset, LeftOut, Split
from greycard.pipeline.array_split import ArraySplit, load_arrays

SIDE = 64
"""Side length of a thumbnail in pixels; smaller arrays keep their size."""


@dataclass(frozen=True)
class Thumbnails:
    """Thumbnails of the training images, then of the validation images, then of the test images.

    Attributes:
        ids: the id of every readable image.
        labels: int64 (n,), or uint8 (n, classes) if an image can have several labels.
        in_validation: bool (n,).
        in_test: bool (n,).
        colour: uint8 (n, height, width, 1 or 3).
        left_out: files that could not be decoded.
    """

    ids: tuple[str, ...]
    labels: np.ndarray
    in_validation: np.ndarray
    in_test: np.ndarray
    colour: np.ndarray
    left_out: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def in_train(self) -> np.ndarray:
        """bool (n,)."""
        return ~(self.in_validation | self.in_test)

    def differ(self, one: int, other: int) -> bool:
        """True if two images do not have the same label or labels."""
        return bool(np.any(self.labels[one] != self.labels[other]))

    def __repr__(self) -> str:
        return f"Thumbnails({len(self):,} images)"

    def grey(self, side: int, rows: Iterable[int] | None = None) -> np.ndarray:
        """Grey images, float32 (rows, side, side), 0 to 255; of all rows if `rows` is None."""
        chosen = range(len(self)) if rows is None else rows
        return np.array([self._grey(row, side) for row in chosen], np.float32).reshape(-1, side, side)

    def turned(self, side: int, rows: np.ndarray) -> np.ndarray:
        """As `grey`, where row n + i is image i mirrored."""
        chosen, mirrored = self.grey(side, rows % len(self)), rows >= len(self)
        chosen[mirrored] = chosen[mirrored][:, :, ::-1]
        return chosen

    def _grey(self, row: int, side: int) -> np.ndarray:
        image = self.colour[row]
        flat = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[2] == 3 else image[:, :, 0]
        return cv2.resize(flat.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)


def unlabelled(ids: tuple[str, ...], colour: np.ndarray) -> Thumbnails:
    """Thumbnails of images without labels, uint8 (n, height, width, 1 or 3), as those of one split."""
    none = np.zeros(len(ids), bool)
    return Thumbnails(ids, np.zeros(len(ids), np.int64), none, none, colour)


def load_thumbnails(dataset: Dataset, on_image: Callable[[], None] = lambda: None) -> Thumbnails:
    """Decode every image of all splits to at most 64×64.

    Args:
        dataset: a dataset of images.
        on_image: called after each decoded file, but not for files from the cache.
    """
    parts = [_small(split, on_image) for split in dataset.splits]
    side = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return Thumbnails(
        tuple(id for part in parts for id in part.ids),
        np.concatenate([part.labels for part in parts]),
        side == 1,
        side == 2,
        np.concatenate([part.images for part in parts]),
        tuple(item for part in parts for item in part.left_out),
    )


def _small(split: Split, on_image: Callable[[], None]) -> ArraySplit:
    if isinstance(split.images, tuple):
        if not len(split):  # an empty split: there is nothing to cache
            return ArraySplit((), split.labels, np.empty((0, SIDE, SIDE, 3), np.uint8))
        return load_arrays(split, (SIDE, SIDE), 3, on_image)
    height, width = split.images.shape[1:3]
    channels = split.images.shape[3] if split.images.ndim == 4 else 1
    return load_arrays(split, (min(height, SIDE), min(width, SIDE)), channels)
