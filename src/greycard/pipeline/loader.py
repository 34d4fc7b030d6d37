"""Loader whose content is a function of (seed, epoch, index) alone, whoever asks and on however many threads."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import lru_cache

import numpy as np

from greycard.core.randomness import ORDER, generator
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.augmentation import Augmentation
from greycard.pipeline.cache import DROP_BYTES, drop_pages
from greycard.pipeline.warp import Transform, draw, warp

AHEAD = 2
"""Batches made ahead of the one in use; a few hide the making, more only take memory."""

_SHARES = 8
"""Parts a batch is warped in; the threads of any machine take them as they come."""

_PREDICTION_BYTES, _PREDICTION_IMAGES = 12 << 20, 512

Batch = tuple[np.ndarray, np.ndarray]


def prediction_batch(pixels: ArraySplit, least: int = 1) -> int:
    """How many images to predict at once: as many as the machine is quick with, and no fewer than `least`."""
    return max(least, min(_PREDICTION_IMAGES, _PREDICTION_BYTES // max(pixels.images[:1].nbytes, 1)))


class Loader:
    """The batches of one split. The last batch of an epoch may be smaller; no image is dropped.

    Args:
        pixels: the split.
        batch_size: images a batch.
        shuffle: whether each epoch has its own order.
        seed: of the order and the augmentation.
        augmentation: applied to every image, drawn anew in every epoch; None for the images as they are.

    Attributes:
        seconds: spent so far on reading and warping, mostly while training computes.
    """

    def __init__(
        self,
        pixels: ArraySplit,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.pixels, self.batch_size, self.seed = pixels, batch_size, seed
        self.augmentation = augmentation
        self.seconds = 0.0
        self._unreleased = 0
        self._order = lru_cache(maxsize=2)(self._draw_order if shuffle else self._in_order)
        self._transforms = lru_cache(maxsize=2)(self._draw_transforms)

    def __len__(self) -> int:
        return -(-len(self.pixels) // self.batch_size)

    def batch(self, epoch: int, index: int) -> Batch:
        """Images uint8 (b, height, width, channels) and labels (b,) of one batch; epoch and index count from 0."""
        return self._read(epoch, index, 1, None)

    def epoch(self, epoch: int, steps_per_execution: int = 1, start: int = 0) -> Iterator[Batch]:
        """An epoch's images in order, made in threads while the ones before are in use.

        Args:
            epoch: counted from 0.
            steps_per_execution: batches to hand out at once, one after the other in the same arrays.
            start: the batch to begin with, a multiple of `steps_per_execution`, for an epoch that is gone on with.
        """
        with ThreadPoolExecutor(1) as maker, ThreadPoolExecutor() as workers:
            waiting: deque[Future[Batch]] = deque()
            for index in range(-(-start // steps_per_execution), -(-len(self) // steps_per_execution)):
                waiting.append(maker.submit(self._read, epoch, index, steps_per_execution, workers))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def images(self, epoch: int) -> np.ndarray:
        """What this epoch's batches are taken from."""
        return self.pixels.images

    def _read(self, epoch: int, index: int, steps_per_execution: int, workers: Executor | None) -> Batch:
        size = self.batch_size * steps_per_execution
        rows = self._order(epoch)[index * size : (index + 1) * size]
        begun = time.perf_counter()
        images = self.images(epoch)[rows] if self.augmentation is None else self._warped(rows, epoch, workers)
        self.seconds += time.perf_counter() - begun
        self._drop_pages(epoch, images.nbytes)
        return images, self.pixels.labels[rows]

    def _warped(self, rows: np.ndarray, epoch: int, workers: Executor | None) -> np.ndarray:
        assert self.augmentation is not None
        images, mode, transforms = self.pixels.images, self.augmentation.fill_mode, self._transforms(epoch)
        warped = np.empty((len(rows), *images.shape[1:]), dtype=np.uint8)

        def share(places: range) -> None:
            for place in places:
                warped[place] = warp(images[rows[place]], transforms[rows[place]], mode)

        shares = [range(start, len(rows), _SHARES) for start in range(_SHARES)]
        list(workers.map(share, shares) if workers else map(share, shares))
        return warped

    def _drop_pages(self, epoch: int, read: int) -> None:
        """Only pages of a mapped array can be given back; in memory there is nothing to do."""
        self._unreleased += read
        if self._unreleased > DROP_BYTES:
            drop_pages(self.images(epoch))
            self._unreleased = 0

    def _in_order(self, _epoch: int) -> np.ndarray:
        return np.arange(len(self.pixels))

    def _draw_order(self, epoch: int) -> np.ndarray:
        return generator(ORDER, self.seed, epoch).permutation(len(self.pixels))

    def _draw_transforms(self, epoch: int) -> list[Transform]:
        assert self.augmentation is not None
        size = self.pixels.images.shape[1:3]
        return draw(self.augmentation, seed=self.seed, epoch=epoch, count=len(self.pixels), size=size)
