"""Batches whose content is a function of (seed, epoch, index) alone, whoever asks and in whatever order."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from greycard.pipeline.augmentation import Augmentation
from greycard.pipeline.pixels import Pixels
from greycard.pipeline.warp import Transform, draw, warp
from greycard.randomness import ORDER, generator


class Batches:
    """The batches of one split. The last batch of an epoch may be smaller; no image is dropped.

    Args:
        pixels: the split.
        batch_size: images a batch.
        shuffle: whether each epoch has its own order.
        seed: of the order and the augmentation.
        augmentation: applied to every image, drawn anew in every epoch; None for the pictures as they are.
    """

    def __init__(
        self,
        pixels: Pixels,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.pixels, self.batch_size, self.seed = pixels, batch_size, seed
        self.augmentation = augmentation
        self._order = lru_cache(maxsize=2)(self._draw_order if shuffle else self._in_order)
        self._transforms = lru_cache(maxsize=2)(self._draw_transforms)

    def __len__(self) -> int:
        return -(-len(self.pixels) // self.batch_size)

    def batch(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Images uint8 (b, height, width, channels) and labels (b,) of one batch; epoch and index count from 0."""
        rows = self._order(epoch)[index * self.batch_size : (index + 1) * self.batch_size]
        labels = self.pixels.labels[rows]
        if self.augmentation is None:
            return self.pixels.images[rows], labels
        transforms, images = self._transforms(epoch), self.pixels.images
        mode = self.augmentation.fill_mode
        return np.stack([warp(images[row], transforms[row], mode) for row in rows]), labels

    def _in_order(self, _epoch: int) -> np.ndarray:
        return np.arange(len(self.pixels))

    def _draw_order(self, epoch: int) -> np.ndarray:
        return generator(ORDER, self.seed, epoch).permutation(len(self.pixels))

    def _draw_transforms(self, epoch: int) -> list[Transform]:
        assert self.augmentation is not None
        size = self.pixels.images.shape[1:3]
        return draw(self.augmentation, seed=self.seed, epoch=epoch, count=len(self.pixels), size=size)
