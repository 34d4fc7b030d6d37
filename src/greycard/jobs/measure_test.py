"""Measure the finished model on the test images: once, after training."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np

from greycard.backend.inference import by_keras
from greycard.evaluation.numbers import number_scores
from greycard.models.views import views_of
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.loader import Loader, prediction_batch
from greycard.recipe import Recipe
from greycard.tasks.task import Task
from greycard.training.loop import Measured
from greycard.training.setup import TrainSetup


def measured_on_test(setup: TrainSetup) -> Measured | None:
    """The finished model's metrics on the test images; None if there are none."""
    test = setup.arrays.test
    if test is None or not len(test):
        return None
    return measured_on(test, setup.saved.model.network, setup.task, setup.recipe)


def measured_on(split: ArraySplit, network: keras.Model, task: Task, recipe: Recipe) -> Measured:
    """A model's metrics on a split, computed by Keras.

    Args:
        split: at least one image.
        network: the full model, which makes its own versions of each image.
        task: of the model.
        recipe: of the model; the more versions, the fewer images at once.
    """
    engine = by_keras(network)
    batch = prediction_batch(split, recipe.training.val_batch_size) // len(views_of(recipe.prediction))
    batches = Loader(split, max(1, batch))
    outputs = np.concatenate([engine(images) for images, _ in batches.epoch(0)])
    measured = Measured.of(task.measure(split.labels, outputs))
    if task.target is None or not np.isfinite(outputs).all():
        return measured
    return replace(measured, numbers=number_scores(split.labels, task.decide(outputs), task.target))
