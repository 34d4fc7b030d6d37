"""The interface between training and a backend: steps, their running loss and accuracy, and predictions."""

from __future__ import annotations

from typing import Protocol

import keras
import numpy as np

from greycard.backend.averaging import WeightAverage
from greycard.backend.choices import Choices
from greycard.backend.exchange import Exchange
from greycard.backend.objective import matches
from greycard.backend.start import on_tensorflow_cpu


class Steps(Protocol):
    """Trains a compiled model. Loss and accuracy stay on the device and are read once an epoch."""

    steps_per_execution: int
    """The number of full batches that one call of `train` can take."""

    def train(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Do one step for each batch of images (n, …) and labels (n,), or soft targets float32 (n, classes).

        Several labels per image are (n, classes) of 0 and 1.
        """

    def result(self) -> dict[str, float]:
        """Mean `loss`, and `accuracy` for a classifier, over all images since the last call; then start again."""

    def state(self) -> dict[str, float]:
        """The running sums behind `result`, for `load_state`; they can be stored as JSON."""

    def load_state(self, sums: dict[str, float]) -> None:
        """Continue from the sums of an earlier process; an empty dict resets them."""

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The model's outputs float32 (n, units) in inference mode."""


def choices_for(model: keras.Model, batch_size: int, steps: int, precision: str) -> Choices:
    """How training steps are computed fastest on this machine; only TensorFlow on a CPU has choices.

    Args:
        model: as for `steps_for`.
        batch_size: images per step.
        steps: total number of training steps.
        precision: of training, float32 or bfloat16.
    """
    if not on_tensorflow_cpu():
        return Choices()
    from greycard.backend import tensorflow_choices

    return tensorflow_choices.choose(model, batch_size, steps, precision)


def images_at_once(model: keras.Model, batch_size: int, steps: int, precision: str) -> int:
    """How many images of a batch are in memory at once in training, as in `Choices.part`; arguments as above."""
    if not on_tensorflow_cpu():
        return batch_size
    from greycard.backend import tensorflow_choices

    return tensorflow_choices.images_at_once(model, batch_size, steps, precision)


def steps_for(
    model: keras.Model, batch_size: int, steps: int, choices: Choices, average: WeightAverage | None = None
) -> Steps:
    """The fastest training steps for a model on the backend in use.

    Args:
        model: a compiled model.
        batch_size: images per step; the last batch of an epoch may be smaller.
        steps: total number of training steps; slow compilation is worth it only for many steps.
        choices: from `choices_for`.
        average: of the weights, updated after every step.
    """
    if not matches(model):
        return KerasSteps(model, average)
    if keras.backend.backend() == "tensorflow":
        from greycard.backend.tensorflow_steps import TensorFlowSteps

        return TensorFlowSteps(model, batch_size, steps, choices, average)
    if keras.backend.backend() == "jax":
        from greycard.backend.jax_steps import JaxSteps

        return JaxSteps(model, batch_size, average)
    from greycard.backend.torch_steps import TorchSteps

    return TorchSteps(model, batch_size, average)


def steps_in_parts(
    model: keras.Model, parts: int, seed: int, exchange: Exchange, average: WeightAverage | None = None
) -> Steps:
    """Training steps whose bits do not depend on the number of workers; arguments as for `PartSteps`."""
    from greycard.backend.part_steps import PartSteps

    return PartSteps(model, parts, seed, exchange, average)


def as_targets(labels: np.ndarray) -> np.ndarray:
    """Labels (n,) as Keras's losses take them, float32 (n, 1); several labels and soft targets keep their shape."""
    return labels.astype(np.float32, copy=False) if labels.ndim == 2 else labels.astype(np.float32)[:, None]


class KerasSteps:
    """Keras's own steps, on any backend."""

    steps_per_execution = 1

    def __init__(self, model: keras.Model, average: WeightAverage | None = None) -> None:
        self._model, self._average = model, average
        self._sums: dict[str, float] = {}

    def train(self, images: np.ndarray, labels: np.ndarray) -> None:
        means = self._model.train_on_batch(images, as_targets(labels), return_dict=True)
        if self._average:
            self._average.update()
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
