"""A loader whose batches depend only on (seed, epoch, index), for any number of threads."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import lru_cache

import numpy as np

from greycard.core.randomness import ORDER, generator
from greycard.core.threads import thread_pool
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.augment import Change, augmenter
from greycard.pipeline.augmentation import Augmentation
from greycard.pipeline.cache import DROP_BYTES, drop_pages
from greycard.pipeline.mixing import Draws, draw_mixing, mix
from greycard.pipeline.sampling import balanced_order
from greycard.pipeline.targets import SoftTargets

AHEAD = 2
"""Batches prepared ahead of the current one; a few hide the preparation, more only take memory."""

_SHARES = 8
"""Number of parts of a batch that threads warp in parallel."""

_PREDICTION_BYTES, _PREDICTION_IMAGES = 12 << 20, 512

Batch = tuple[np.ndarray, np.ndarray]


def prediction_batch(pixels: ArraySplit, least: int = 1) -> int:
    """How many images to predict at once: a batch size that is fast, and at least `least`."""
    return max(least, min(_PREDICTION_IMAGES, _PREDICTION_BYTES // max(pixels.images[:1].nbytes, 1)))


class Loader:
    """The batches of one split. The last batch of an epoch may be smaller; no image is dropped.

    Args:
        split: images or cached features, with their labels.
        batch_size: images per batch.
        shuffle: True for a different order in each epoch.
        seed: seed of the order and the augmentation.
        augmentation: applied to every image, with new random values in each epoch; None for unchanged images.
        targets: makes soft targets from the labels; None for the labels themselves.
        balanced: True if a shuffled epoch has equally many images of each class.

    Attributes:
        seconds: time spent on reading and warping, mostly in parallel with training.
    """

    def __init__(
        self,
        split: ArraySplit,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        augmentation: Augmentation | None = None,
        targets: SoftTargets | None = None,
        balanced: bool = False,
    ) -> None:
        self.split, self.batch_size, self.seed = split, batch_size, seed
        self.augmentation, self._targets, self._balanced = augmentation, targets, balanced
        self.seconds = 0.0
        self._unreleased = 0
        self._order = lru_cache(maxsize=2)(self._draw_order if shuffle else self._in_order)
        self._augmenter = lru_cache(maxsize=2)(self._draw_augmenter)
        self._mixing = lru_cache(maxsize=2)(self._draw_mixing)

    def __len__(self) -> int:
        return -(-self._count // self.batch_size)

    @property
    def _count(self) -> int:
        """Number of images in an epoch."""
        return len(self.split)

    def batch(self, epoch: int, index: int) -> Batch:
        """Images uint8 (b, height, width, channels) and labels int (b,) of one batch; epoch and index count from 0.

        Several labels per image are uint8 (b, classes). With `targets`, the labels are soft: float32 (b, classes).
        """
        return self._read(epoch, index, 1, None)

    def epoch(self, epoch: int, steps_per_execution: int = 1, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch in order; threads prepare the next ones while the current one is in use.

        Args:
            epoch: counted from 0.
            steps_per_execution: number of batches that are concatenated in one array.
            start: first batch, when resuming mid-epoch; a multiple of `steps_per_execution`.
        """
        with ThreadPoolExecutor(1) as maker, thread_pool() as workers:
            waiting: deque[Future[Batch]] = deque()
            for index in range(-(-start // steps_per_execution), -(-len(self) // steps_per_execution)):
                waiting.append(maker.submit(self._read, epoch, index, steps_per_execution, workers))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def some(self, rows: np.ndarray) -> np.ndarray:
        """The images of these rows of the split, without augmentation."""
        return np.asarray(self.split.images[rows])

    def images(self, epoch: int) -> np.ndarray:
        """The images from which this epoch's batches are taken."""
        return self.split.images

    def _read(self, epoch: int, index: int, steps_per_execution: int, workers: Executor | None) -> Batch:
        size = self.batch_size * steps_per_execution
        places = slice(index * size, (index + 1) * size)
        rows = self._order(epoch)[places]
        begun = time.perf_counter()
        images = self.images(epoch)[rows] if self.augmentation is None else self._warped(rows, places, epoch, workers)
        images, labels = self._labelled(images, rows, places, epoch)
        self.seconds += time.perf_counter() - begun
        self._drop_pages(epoch, images.nbytes)
        return images, labels

    def _labelled(self, images: np.ndarray, rows: np.ndarray, places: slice, epoch: int) -> Batch:
        """The images, mixed if asked for, with their labels or soft targets."""
        labels = self.split.labels[rows]
        if self._targets is None:
            return images, labels
        targets = self._targets.of(labels)
        if self._targets.mixing is None:
            return images, targets
        return mix(images, targets, self._mixing(epoch)[places], self.batch_size)

    def _warped(self, rows: np.ndarray, places: slice, epoch: int, workers: Executor | None) -> np.ndarray:
        assert self.augmentation is not None
        images, augment = self.split.images, self._augmenter(epoch)
        numbers = np.arange(self._count)[places] if self._balanced else rows  # a repeated image gets new values
        warped = np.empty((len(rows), *images.shape[1:]), dtype=np.uint8)

        def share(places: range) -> None:
            for place in places:
                warped[place] = augment(images[rows[place]], numbers[place])

        shares = [range(start, len(rows), _SHARES) for start in range(_SHARES)]
        list(workers.map(share, shares) if workers else map(share, shares))
        return warped

    def _drop_pages(self, epoch: int, read: int) -> None:
        """Drop the pages of a mapped array after enough reading; arrays in memory have none to drop."""
        self._unreleased += read
        if self._unreleased > DROP_BYTES:
            drop_pages(self.images(epoch))
            self._unreleased = 0

    def _in_order(self, _epoch: int) -> np.ndarray:
        return np.arange(len(self.split))

    def _draw_order(self, epoch: int) -> np.ndarray:
        random = generator(ORDER, self.seed, epoch)
        return balanced_order(self.split.labels, random) if self._balanced else random.permutation(len(self.split))

    def _draw_augmenter(self, epoch: int) -> Change:
        assert self.augmentation is not None
        size = self.split.images.shape[1:3]
        return augmenter(self.augmentation, seed=self.seed, epoch=epoch, count=len(self.split), size=size)

    def _draw_mixing(self, epoch: int) -> Draws:
        assert self._targets is not None
        assert self._targets.mixing is not None
        return draw_mixing(
            self._targets.mixing, seed=self.seed, epoch=epoch, count=self._count, batch_size=self.batch_size
        )
