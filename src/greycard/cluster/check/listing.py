"""The images of a list by their rows, read from the parts of a check: names and thumbnails of some of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from greycard.audit.thumbnails import SIDE, Thumbnails, unlabelled
from greycard.cluster.check.readings import pixels_of
from greycard.cluster.shards import Shard, names_of
from greycard.pipeline.cache import drop_pages, scratch_array
from greycard.storage.folders import Folder

TOGETHER = 32
"""Parts that a unit of work reads."""


@dataclass(frozen=True)
class Some:
    """Shards next to each other.

    Attributes:
        number: of these shards among all such units, counted from 0.
        first: row of their first image.
        shards: in order.
    """

    number: int
    first: int
    shards: tuple[Shard, ...]

    @property
    def images(self) -> int:
        return sum(shard.count for shard in self.shards)

    def each(self) -> Iterator[tuple[int, Shard]]:
        """Each shard, with the row of its first image."""
        row = self.first
        for shard in self.shards:
            yield row, shard
            row += shard.count


@dataclass(frozen=True)
class Listing:
    """A list of images whose parts are there; a row is the number of an image in the list, counted from 0.

    Attributes:
        folder: of the parts.
        shards: all of them, in order.
        shard: images of each but the last one.
    """

    folder: Folder
    shards: tuple[Shard, ...]
    shard: int

    def __len__(self) -> int:
        return self.shard * (len(self.shards) - 1) + self.shards[-1].count

    def units(self) -> list[Some]:
        """The shards, some together."""
        starts = range(0, len(self.shards), TOGETHER)
        return [
            Some(number, start * self.shard, self.shards[start : start + TOGETHER])
            for number, start in enumerate(starts)
        ]

    def names(self, rows: np.ndarray) -> Iterator[str]:
        """The names of some rows, int64 and sorted, as they were given."""
        for shard, inside in self._by_shard(rows):
            names = names_of(self.folder, shard)
            yield from (names[row] for row in inside.tolist())

    def colour(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of some rows, int64 and sorted, have pixels, int64 (n,); and these, uint8 (n, 64, 64, 3)."""
        colour, kept, end = scratch_array((len(rows), SIDE, SIDE, 3), np.uint8), [np.empty(0, np.int64)], 0
        for shard, inside in self._by_shard(rows):
            places, pixels = pixels_of(self.folder, shard, inside)
            colour[end : end + len(pixels)] = pixels
            kept.append(inside[places] + shard.number * self.shard)
            end += len(pixels)
            drop_pages(colour)
        return np.concatenate(kept), colour[:end]

    def thumbnails(self, rows: np.ndarray) -> tuple[np.ndarray, Thumbnails]:
        """As `colour`, as thumbnails without labels and names."""
        kept, colour = self.colour(rows)
        return kept, unlabelled(("",) * len(kept), colour)

    def _by_shard(self, rows: np.ndarray) -> Iterator[tuple[Shard, np.ndarray]]:
        """Each shard that has some of the rows, and these, counted in the shard."""
        numbers, starts = np.unique(rows // self.shard, return_index=True)
        for number, inside in zip(numbers.tolist(), np.split(rows, starts[1:]), strict=False):
            yield self.shards[number], inside - number * self.shard
