"""What a dataset is: its splits of ids, labels and images, and the classes the labels mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from greycard.core.randomness import SUBSET, generator
from greycard.datasets.file_facts import FileFacts

_SHOWN = 5
"""Classes that a dataset's repr names."""
_LINE = 100
"""Characters that it takes."""


@dataclass(frozen=True)
class Split:
    """Training, validation or test images with their labels, in a fixed order.

    Attributes:
        ids: a name for each image, unique in the split: its path in the dataset, or its row.
        labels: int64 (n,) class indices, or float32 (n,) targets of a regression.
        images: uint8 (n, height, width[, 3]), float32 (n, features), or a path for each image.
        facts: of each file, from the pass that found it; None for arrays and for splits made by hand.
    """

    ids: tuple[str, ...]
    labels: np.ndarray
    images: np.ndarray | tuple[Path, ...]
    facts: tuple[FileFacts, ...] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        kind = "files" if isinstance(self.images, tuple) else " × ".join(map(str, self.images.shape[1:]))
        return f"Split({len(self):,} images, {kind})"

    def take(self, rows: Sequence[int] | np.ndarray) -> Split:
        """The split of these rows, in their order."""
        images = self.images[rows] if isinstance(self.images, np.ndarray) else tuple(self.images[i] for i in rows)
        facts = None if self.facts is None else tuple(self.facts[i] for i in rows)
        return Split(tuple(self.ids[i] for i in rows), self.labels[rows], images, facts)

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
    """Training and validation images, test images where the data has them, and what their labels mean.

    Attributes:
        name: the catalog's name, or the folder's.
        classes: the label names; label i means classes[i]. Empty for a regression.
        train: the images to learn from.
        validation: the images to measure on, and to choose by.
        left_out: files that lie there but are no usable images.
        notes: what a user should know about how the data was found or split.
        sizes: (smallest, median, largest) short side in pixels of the training images, None for arrays.
        origin: the file or folder of the user's that it was read from; None for a named dataset and a `Source`.
        split: how training and validation images were told apart.
        test: images that are measured on once, after training and every choice; None where the data has no such split
            beside training and validation.
        published: whether it is a named dataset, whose split stays as it was published.
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
    test: Split | None = None
    published: bool = False

    @property
    def splits(self) -> tuple[Split, ...]:
        """Training, validation and, if there is one, test."""
        return (self.train, self.validation) if self.test is None else (self.train, self.validation, self.test)

    @property
    def is_regression(self) -> bool:
        """Whether the labels are numbers and not classes."""
        return not self.classes

    def __repr__(self) -> str:
        shown = ", ".join((*self.classes[:_SHOWN], *(["…"] if len(self.classes) > _SHOWN else [])))
        what = "numbers" if self.is_regression else f"{len(self.classes)} classes: {shown}"
        counts = f"{len(self.train):,} training and {len(self.validation):,} validation images"
        counts += f" and {len(self.test):,} test images" if self.test else ""
        return f"Dataset({_clipped(f'{self.name!r}, {counts}, {what}')})"

    def limited(self, train: int | None, validation: int | None, seed: int) -> Dataset:
        """At most so many training and validation images, the same share of every class; all test images."""
        parts = self.train.limited(train, seed), self.validation.limited(validation, seed)
        whole = parts[0] is self.train and parts[1] is self.validation
        return replace(self, train=parts[0], validation=parts[1], split=self.split if whole else SplitMethod())


def _clipped(text: str) -> str:
    """For a terminal's line: class names can be long."""
    return text if len(text) <= _LINE else f"{text[: _LINE - 1]}…"
