"""What a dataset is: two splits of ids, labels and images, and the classes the labels mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from greycard.core.randomness import SUBSET, generator

_SHOWN = 5
"""Classes that a dataset's repr names."""
_LINE = 100
"""Characters that it takes."""


@dataclass(frozen=True)
class Split:
    """Training or validation images with their labels, in a fixed order.

    Attributes:
        ids: a name for each image, unique in the split: its path in the dataset, or its row.
        labels: int64 (n,) class indices, or float32 (n,) targets of a regression.
        images: uint8 (n, height, width[, 3]), float32 (n, features), or a path for each image.
    """

    ids: tuple[str, ...]
    labels: np.ndarray
    images: np.ndarray | tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        kind = "files" if isinstance(self.images, tuple) else " × ".join(map(str, self.images.shape[1:]))
        return f"Split({len(self):,} images, {kind})"

    def take(self, rows: Sequence[int] | np.ndarray) -> Split:
        """The split of these rows, in their order."""
        images = self.images[rows] if isinstance(self.images, np.ndarray) else tuple(self.images[i] for i in rows)
        return Split(tuple(self.ids[i] for i in rows), self.labels[rows], images)

    def limited(self, count: int | None, seed: int) -> Split:
        """At most `count` images, the same share of every class, drawn by `seed`; the order is kept."""
        if count is None or count >= len(self):
            return self
        order = generator(SUBSET, seed).permutation(len(self))
        rank = np.empty(len(self), dtype=np.int64)
        for label in np.unique(self.labels):
            members = order[self.labels[order] == label]
            rank[members] = np.arange(len(members)) * len(self) // len(members)
        return self.take(np.sort(np.argsort(rank, kind="stable")[:count]))


@dataclass(frozen=True)
class LeftOut:
    """A file that is not trained on, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class SplitMethod:
    """How a dataset's training and validation images were told apart; a run's recipe records it.

    Attributes:
        val_fraction: share of each class that was split off for validation; None where the data brings the split, or
            Python code made it.
        seed: decided which images these are.
        grouped: whether equal and nearly equal images were kept on one side.
    """

    val_fraction: float | None = None
    seed: int = 0
    grouped: bool = False


@dataclass(frozen=True)
class Dataset:
    """Two splits and what their labels mean.

    Attributes:
        name: the catalog's name, or the folder's.
        classes: the label names; label i means classes[i]. Empty for a regression.
        train: the images to learn from.
        validation: the images to measure on.
        left_out: files that lie there but are no usable images.
        notes: what a user should know about how the data was found or split.
        sizes: (smallest, median, largest) short side in pixels of the training images, None for arrays.
        origin: the folder or manifest of one's own that it was read from; None for a dataset of the catalog.
        split: how the two were told apart.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    sizes: tuple[int, int, int] | None = None
    origin: Path | None = None
    split: SplitMethod = SplitMethod()

    @property
    def is_regression(self) -> bool:
        """Whether the labels are numbers and not classes."""
        return not self.classes

    def __repr__(self) -> str:
        shown = ", ".join((*self.classes[:_SHOWN], *(["…"] if len(self.classes) > _SHOWN else [])))
        what = "numbers" if self.is_regression else f"{len(self.classes)} classes: {shown}"
        counts = f"{len(self.train):,} training and {len(self.validation):,} validation images"
        return f"Dataset({_clipped(f'{self.name!r}, {counts}, {what}')})"

    def limited(self, train: int | None, validation: int | None, seed: int) -> Dataset:
        """At most so many images of each split, the same share of every class."""
        parts = self.train.limited(train, seed), self.validation.limited(validation, seed)
        whole = parts[0] is self.train and parts[1] is self.validation
        return replace(self, train=parts[0], validation=parts[1], split=self.split if whole else SplitMethod())


def _clipped(text: str) -> str:
    """For a terminal's line: class names can be long."""
    return text if len(text) <= _LINE else f"{text[: _LINE - 1]}…"
