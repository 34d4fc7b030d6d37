"""Everything that training needs, in one record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import keras
import numpy as np

from greycard.backend.choices import Choices
from greycard.backend.exchange import Alone, Exchange
from greycard.datasets.dataset import Dataset, LeftOut
from greycard.evaluation.reach import choice_rows
from greycard.models.model import Model, Weights
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
        validation: validation batches, never augmented, to measure after every epoch.
    """

    train: Loader
    validation: Loader


@dataclass(frozen=True)
class Saved:
    """The model that is saved, and how it is measured.

    Attributes:
        model: the trained model; it averages the versions of an image if the recipe says so.
        network: computes its outputs for the batches of the loaders: the whole model, or its head on cached features.
        validation: the validation images or features.
        unaugmented: the training images or features, without augmentation.
    """

    model: Model
    network: keras.Model
    validation: Loader
    unaugmented: Loader


class HeadFit(Protocol):
    """Fits the head at once, in the first epoch, in place of gradient steps."""

    def fit(self, on_step: Callable[[], object]) -> dict[str, float]:
        """Set the head's weights; returns `loss` and `accuracy` on the training images.

        Args:
            on_step: called after every step of the fit; an exception ends it.
        """

    def finish(self) -> str | None:
        """Change the weights after the last epoch; returns a sentence about it, or None if nothing changed."""


@dataclass(frozen=True)
class TrainSetup:
    """Everything that training needs.

    Attributes:
        recipe: the resolved recipe, with task, dataset and precision set.
        dataset: the dataset, reduced to the recipe's limits.
        task: the task of the recipe and the dataset.
        arrays: the decoded splits of `dataset`.
        left_out: files that could not be used.
        weights: the weights file of each backbone; None for a backbone that has no file.
        model: the full model, as it is trained.
        expected_bytes: upper bound of the process's memory.
        network: the compiled Keras model that is trained: the full model, or its head on cached features.
        loaders: the batches to train and measure on: images, or cached features.
        saved: the finished model.
        head_fit: fits the head in the first epoch; None if all epochs are gradient steps.
        choices: how the training steps are computed.
        exchange: between the workers of a group.
    """

    recipe: Recipe
    dataset: Dataset
    task: Task
    arrays: SplitArrays
    left_out: tuple[LeftOut, ...]
    weights: Weights
    model: Model
    expected_bytes: int
    network: keras.Model
    loaders: Loaders
    saved: Saved
    head_fit: HeadFit | None = None
    choices: Choices = field(default_factory=Choices)
    exchange: Exchange = field(default_factory=Alone)

    @property
    def data_digest(self) -> str:
        """SHA-256 over the images or features and the labels of both splits; an exact resume depends on them."""
        digest = hashlib.sha256()
        for loader in (self.loaders.train, self.loaders.validation):
            digest.update(loader.split.digest.encode() + loader.split.labels.tobytes())
        return digest.hexdigest()

    @cached_property
    def choice_rows(self) -> np.ndarray:
        """The rows of the validation images that every epoch is measured on: all, but for the intervals of numbers."""
        images, test = len(self.arrays.validation), self.arrays.test
        if self.task.target is None:
            return np.arange(images)
        return choice_rows(images, len(test) if test else 0)

    @property
    def steps(self) -> int:
        """The number of steps of the whole training."""
        return self.recipe.training.epochs * len(self.loaders.train)

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names; empty for a regression."""
        return self.dataset.classes
