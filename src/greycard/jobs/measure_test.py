"""Measure the finished model on the test images: once, after training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
from keras import layers

from greycard.backend.inference import by_keras
from greycard.evaluation.label_scores import LabelScores, label_scores
from greycard.evaluation.numbers import number_scores
from greycard.evaluation.reach import TEST, reach_of
from greycard.models.model import Model
from greycard.models.views import views_of
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.loader import Loader, prediction_batch
from greycard.recipe import Recipe
from greycard.tasks.multilabel import MultiLabel
from greycard.tasks.task import Task
from greycard.training.loop import Measured
from greycard.training.setup import TrainSetup


@dataclass(frozen=True)
class Answers:
    """A model's answers for the images of a split.

    Attributes:
        outputs: of the model, float32 (n, units).
        features: the inputs of its head, float32 (n, features).
    """

    outputs: np.ndarray
    features: np.ndarray

    def measured(self, task: Task, labels: np.ndarray) -> Measured:
        """The metrics for labels (n,), which no choice has seen."""
        measured = Measured.of(task.measure(labels, self.outputs))
        if task.target is None or not np.isfinite(self.outputs).all():
            return measured
        predicted = task.decide(self.outputs)
        reach = reach_of(labels, predicted, TEST)
        return replace(measured, numbers=number_scores(labels, predicted, task.target), reach=reach)

    def label_scores(self, task: Task, labels: np.ndarray, names: Sequence[str]) -> LabelScores | None:
        """Each label's figures if an image can have several; None otherwise."""
        if not isinstance(task, MultiLabel):
            return None
        probabilities = task.to_probabilities(self.outputs)
        return label_scores(labels, probabilities, task.decide(probabilities), names, task.thresholds)


def answers_on_test(setup: TrainSetup) -> Answers | None:
    """The finished model's answers for the test images; None if there are none."""
    test = setup.arrays.test
    return answers_on(test, setup.saved.model, setup.recipe) if test is not None and len(test) else None


def answers_on(split: ArraySplit, model: Model, recipe: Recipe) -> Answers:
    """A model's answers, computed by Keras.

    Args:
        split: at least one image.
        model: the full model, which makes its own versions of each image.
        recipe: of the model; the more versions, the fewer images at once.
    """
    network = model.network
    both = layers.Concatenate(dtype="float32")([network.outputs[0], model.head_input])
    engine, units = by_keras(keras.Model(network.inputs[0], both)), network.outputs[0].shape[-1]
    batch = prediction_batch(split, recipe.training.val_batch_size) // len(views_of(recipe.prediction))
    batches = Loader(split, max(1, batch))
    found = np.concatenate([engine(images) for images, _ in batches.epoch(0)])
    return Answers(found[:, :units], found[:, units:])
