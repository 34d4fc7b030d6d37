"""Measure the finished model on the test images: once, after training."""

from __future__ import annotations

import numpy as np

from greycard.backend.inference import by_keras
from greycard.pipeline.loader import Loader, prediction_batch
from greycard.training.loop import Measured
from greycard.training.setup import TrainSetup


def measured_on_test(setup: TrainSetup) -> Measured | None:
    """The finished model's metrics on the test images; None if there are none."""
    test = setup.arrays.test
    if test is None or not len(test):
        return None
    engine = by_keras(setup.model.network)
    batches = Loader(test, prediction_batch(test, setup.recipe.training.val_batch_size))
    outputs = np.concatenate([engine(images) for images, _ in batches.epoch(0)])
    return Measured.of(setup.task.measure(test.labels, outputs))
