"""A dataset: its splits of ids, labels and images, and its class names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from greycard.core.randomness import SUBSET, generator
from greycard.datasets.file_facts import FileFacts
from greycard.datasets.label_sets import has_several, label_text
from greycard.datasets.strata import strata

_SHOWN = 5
"""Maximum number of class names in the repr of a dataset."""
_LINE = 100
"""Maximum number of characters of their names."""


@dataclass(frozen=True)
class Split:
    """Training, validation or test images with their labels, in a fixed order.

    Attributes:
        ids: a name for each image, unique in the split: its path in the dataset, or its row.
        labels: int64 (n,) class indices; uint8 (n, classes) of 0 and 1 if an image can have several labels; or float32
            (n,) targets of a regression.
        images: uint8 (n, height, width[, 3]), float32 (n, features), or a path for each image.
        facts: size, mode and digest of each file, read when it was found; None for arrays and splits made by hand.
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
        """A stratified random sample of at most `count` images, drawn with `seed`; the order is kept."""
        if count is None or count >= len(self):
            return self
        order = generator(SUBSET, seed).permutation(len(self))
        rank, among = np.empty(len(self), dtype=np.int64), strata(self.labels)
        for label in np.unique(among):
            members = order[among[order] == label]
            rank[members] = np.arange(len(members)) * len(self) // len(members)
        return self.take(np.sort(np.argsort(rank, kind="stable")[:count]))


@dataclass(frozen=True)
class LeftOut:
    """A file that is not used for training, and the reason."""

    id: str
    reason: str


@dataclass(frozen=True)
class SplitMethod:
    """How a dataset was split into training and validation images; a run's recipe records it.

    Attributes:
        val_fraction: share of each class that was split off for validation; None if the split comes with the data or
            from Python code.
        seed: random seed of the split.
        grouped: whether duplicates and near-duplicates were kept in the same split.
    """

    val_fraction: float | None = None
    seed: int = 0
    grouped: bool = False


@dataclass(frozen=True)
class Dataset:
    """Training and validation images, test images if the data has any, and the class names.

    Attributes:
        name: the catalog's name, or the folder's.
        classes: the label names; label i means classes[i]. Empty for a regression.
        train: the training images.
        validation: the images for measuring and for model selection.
        left_out: files that are not usable images.
        notes: what the user should know about how the data was found or split.
        sizes: (smallest, median, largest) short side in pixels of the training images, None for arrays.
        origin: the user's file or folder that it was read from; None for a named dataset and a `Source`.
        split: how the training and validation images were split.
        test: images that are measured on once, after training and model selection; None if the data has no third
            split.
        published: whether it is a named dataset; its published split is kept.
        several: how a table states that an image can have several labels; None if it has one, or is not from a table.
        strangers: images that belong to none of the classes, to measure how many are refused; never trained on, and
            their labels mean nothing. None if the data has none.
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
    several: str | None = None
    strangers: Split | None = None

    @property
    def splits(self) -> tuple[Split, ...]:
        """Training, validation and, if there is one, test."""
        return (self.train, self.validation) if self.test is None else (self.train, self.validation, self.test)

    @property
    def is_regression(self) -> bool:
        """Whether the labels are numbers and not classes."""
        return not self.classes

    @property
    def has_several_labels(self) -> bool:
        """Whether an image can have several labels."""
        return has_several(self.train.labels)

    def label_text(self, label: Any) -> str:
        """A label as a label file has it: the name of the class, a list of labels, or the number."""
        return label_text(label, self.classes) if self.classes else f"{label:.9g}"

    @property
    def has_images(self) -> bool:
        """Whether its inputs are images, and not numbers."""
        images = self.train.images
        return isinstance(images, tuple) or images.ndim > 2

    def __repr__(self) -> str:
        shown = ", ".join((*self.classes[:_SHOWN], *(["…"] if len(self.classes) > _SHOWN else [])))
        what = "numbers" if self.is_regression else f"{len(self.classes)} {self._kind}: {shown}"
        counts = f"{len(self.train):,} training and {len(self.validation):,} validation images"
        counts += f" and {len(self.test):,} test images" if self.test else ""
        return f"Dataset({_clipped(f'{self.name!r}, {counts}, {what}')})"

    @property
    def _kind(self) -> str:
        return "labels" if self.has_several_labels else "classes"

    def limited(self, train: int | None, validation: int | None, seed: int) -> Dataset:
        """At most this many training and validation images (stratified), and all test images."""
        parts = self.train.limited(train, seed), self.validation.limited(validation, seed)
        whole = parts[0] is self.train and parts[1] is self.validation
        return replace(self, train=parts[0], validation=parts[1], split=self.split if whole else SplitMethod())


def _clipped(text: str) -> str:
    """Shorten for one terminal line; class names can be long."""
    return text if len(text) <= _LINE else f"{text[: _LINE - 1]}…"
