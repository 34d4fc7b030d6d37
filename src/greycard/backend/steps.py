"""What training asks of a backend: steps, their running loss and accuracy, and predictions."""

from __future__ import annotations

from typing import Protocol

import keras
import numpy as np


class Steps(Protocol):
    """A compiled model in training. Loss and accuracy are kept where the steps run and read once an epoch."""

    steps_per_execution: int
    """Batches that one call takes at once, for as long as they are whole."""

    def train(self, images: np.ndarray, labels: np.ndarray) -> None:
        """One step for each batch of images (n, …) and labels (n,)."""

    def result(self) -> dict[str, float]:
        """Mean `loss`, and `accuracy` where there are classes, of all images since the last call."""

    def state(self) -> dict[str, float]:
        """What `result` is made of, as it stands: JSON-able, for `go_on`."""

    def load_state(self, sums: dict[str, float]) -> None:
        """Add to these sums of an earlier process; none for nothing."""

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The model's outputs float32 (n, units) in inference mode."""


def steps_for(model: keras.Model, batch_size: int, steps: int) -> Steps:
    """The fastest steps that the backend in use offers.

    Args:
        model: compiled.
        batch_size: images a step; a last, smaller batch is allowed.
        steps: that training will take in all; what takes long to compile pays only where there are many.
    """
    if keras.backend.backend() == "tensorflow":
        from greycard.backend import tensorflow_steps

        if tensorflow_steps.matches(model):
            return tensorflow_steps.TensorFlowSteps(model, batch_size, steps)
    return KerasSteps(model)


class KerasSteps:
    """Keras's own steps, on any backend."""

    steps_per_execution = 1

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._sums: dict[str, float] = {}

    def train(self, images: np.ndarray, labels: np.ndarray) -> None:
        targets = labels.astype(np.float32)[:, None]
        means = self._model.train_on_batch(images, targets, return_dict=True)
        for name, mean in [*means.items(), ("images", 1.0)]:
            self._sums[name] = self._sums.get(name, 0.0) + float(mean) * len(images)

    def result(self) -> dict[str, float]:
        images = self._sums.pop("images")
        means = {name: total / images for name, total in self._sums.items()}
        self._sums = {}
        return means

    def state(self) -> dict[str, float]:
        return dict(self._sums)

    def load_state(self, sums: dict[str, float]) -> None:
        self._sums = dict(sums)

    def predict(self, images: np.ndarray) -> np.ndarray:
        return np.asarray(self._model.predict_on_batch(images))
