"""Everything that training needs, in one record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras

from greycard.datasets.dataset import Dataset, LeftOut
from greycard.models.model import Model
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.loader import Loader
from greycard.recipe import Recipe
from greycard.tasks.task import Task


@dataclass(frozen=True)
class SplitArrays:
    """The decoded splits of a dataset; `test` is None if the data has none."""

    train: ArraySplit
    validation: ArraySplit
    test: ArraySplit | None

    def __iter__(self) -> Iterator[ArraySplit]:
        yield from (split for split in (self.train, self.validation, self.test) if split is not None)


@dataclass(frozen=True)
class Loaders:
    """The batches of one training.

    Attributes:
        train: training batches, shuffled and augmented.
        validation: validation batches, never augmented.
        unaugmented: the training images without augmentation, to measure the finished model.
    """

    train: Loader
    validation: Loader
    unaugmented: Loader


@dataclass(frozen=True)
class TrainSetup:
    """Everything that training needs.

    Attributes:
        recipe: the resolved recipe, with task, dataset and precision set.
        dataset: the dataset, reduced to the recipe's limits.
        task: the task of the recipe and the dataset.
        arrays: the decoded splits of `dataset`.
        left_out: files that could not be used.
        weights: the file of the backbone's weights; None without one.
        model: the full model.
        expected_bytes: upper bound of the process's memory.
        network: the compiled Keras model that is trained: the full model, or its head on cached features.
        loaders: the batches to train and measure on: images, or cached features.
    """

    recipe: Recipe
    dataset: Dataset
    task: Task
    arrays: SplitArrays
    left_out: tuple[LeftOut, ...]
    weights: Path | None
    model: Model
    expected_bytes: int
    network: keras.Model
    loaders: Loaders

    @property
    def data_digest(self) -> str:
        """SHA-256 over the images or features and the labels of both splits; an exact resume depends on them."""
        digest = hashlib.sha256()
        for loader in (self.loaders.train, self.loaders.validation):
            digest.update(loader.split.digest.encode() + loader.split.labels.tobytes())
        return digest.hexdigest()

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names; empty for a regression."""
        return self.dataset.classes
