"""Every image of a dataset small: what the doctor compares, in one array, decoded once and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from greycard.datasets.dataset import Dataset, LeftOut, Split
from greycard.pipeline.array_split import ArraySplit, load_arrays

SIDE = 64
"""Pixels a side that images are looked at with; arrays that are smaller keep their own size."""


@dataclass(frozen=True)
class Thumbnails:
    """Training images, then validation images.

    Attributes:
        ids: of every readable image.
        labels: int64 (n,).
        in_validation: bool (n,).
        colour: uint8 (n, height, width, 1 or 3).
        left_out: files whose pixels could not be decoded.
    """

    ids: tuple[str, ...]
    labels: np.ndarray
    in_validation: np.ndarray
    colour: np.ndarray
    left_out: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Thumbnails({len(self):,} images)"

    def grey(self, side: int, rows: Iterable[int] | None = None) -> np.ndarray:
        """float32 (rows, side, side), 0 to 255; all rows if none are named."""
        chosen = range(len(self)) if rows is None else rows
        return np.array([self._grey(row, side) for row in chosen], np.float32).reshape(-1, side, side)

    def _grey(self, row: int, side: int) -> np.ndarray:
        image = self.colour[row]
        flat = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[2] == 3 else image[:, :, 0]
        return cv2.resize(flat.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)


def load_thumbnails(dataset: Dataset, on_image: Callable[[], None] = lambda: None) -> Thumbnails:
    """Decode every image of both splits to at most 64×64.

    Args:
        dataset: of images.
        on_image: called after each file that is decoded; files that an earlier check decoded are not.
    """
    parts = [_small(split, on_image) for split in (dataset.train, dataset.validation)]
    return Thumbnails(
        tuple(id for part in parts for id in part.ids),
        np.concatenate([part.labels for part in parts]),
        np.repeat([False, True], [len(part) for part in parts]),
        np.concatenate([part.images for part in parts]),
        tuple(item for part in parts for item in part.left_out),
    )


def _small(split: Split, on_image: Callable[[], None]) -> ArraySplit:
    if isinstance(split.images, tuple):
        if not len(split):  # a side that is empty; there is nothing to keep
            return ArraySplit((), split.labels, np.empty((0, SIDE, SIDE, 3), np.uint8))
        return load_arrays(split, (SIDE, SIDE), 3, on_image)
    height, width = split.images.shape[1:3]
    channels = split.images.shape[3] if split.images.ndim == 4 else 1
    return load_arrays(split, (min(height, SIDE), min(width, SIDE)), channels)
