"""Measure the finished model on the test images: once, after training."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from greycard.backend.inference import by_keras
from greycard.evaluation.label_scores import LabelScores, label_scores
from greycard.models.views import views_of
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.loader import Loader, prediction_batch
from greycard.recipe import Recipe
from greycard.tasks.multilabel import MultiLabel
from greycard.tasks.task import Task
from greycard.training.loop import Measured
from greycard.training.setup import TrainSetup


@dataclass(frozen=True)
class MeasuredTest:
    """A model's metrics on the test images.

    Attributes:
        figures: loss, and accuracy if an image has one class.
        labels: each label's figures if an image can have several; None otherwise.
    """

    figures: Measured
    labels: LabelScores | None = None


def measured_on_test(setup: TrainSetup) -> MeasuredTest | None:
    """The finished model's metrics on the test images; None if there are none."""
    test, task = setup.arrays.test, setup.task
    if test is None or not len(test):
        return None
    outputs = _outputs(test, setup.saved.model.network, setup.recipe)
    figures = Measured.of(task.measure(test.labels, outputs))
    if not isinstance(task, MultiLabel):
        return MeasuredTest(figures)
    probabilities = task.to_probabilities(outputs)
    decided = task.decide(probabilities)
    return MeasuredTest(figures, label_scores(test.labels, probabilities, decided, setup.classes, task.thresholds))


def measured_on(split: ArraySplit, network: keras.Model, task: Task, recipe: Recipe) -> Measured:
    """A model's metrics on a split, computed by Keras.

    Args:
        split: at least one image.
        network: the full model, which makes its own versions of each image.
        task: of the model.
        recipe: of the model; the more versions, the fewer images at once.
    """
    return Measured.of(task.measure(split.labels, _outputs(split, network, recipe)))


def _outputs(split: ArraySplit, network: keras.Model, recipe: Recipe) -> np.ndarray:
    """The network's outputs, float32 (n, units)."""
    engine = by_keras(network)
    batch = prediction_batch(split, recipe.training.val_batch_size) // len(views_of(recipe.prediction))
    batches = Loader(split, max(1, batch))
    return np.concatenate([engine(images) for images, _ in batches.epoch(0)])
