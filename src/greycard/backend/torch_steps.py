"""Training steps on PyTorch: no result read back in a step, and none of the bookkeeping of Keras's `train_on_batch`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import torch

from greycard.backend.averaging import WeightAverage
from greycard.backend.execution import steps_together
from greycard.backend.memory_parts import images_that_fit
from greycard.backend.objective import SUMS, Objective, restored, stored
from greycard.backend.steps import as_targets
from greycard.backend.torch_forward import forward
from greycard.backend.torch_graph import NumbersOnGpu, RecordedStep


class TorchSteps:
    """See `Steps`.

    Args:
        model: a compiled model that `objective.matches` accepts.
        batch_size: images per step.
        average: of the weights, updated after every step.
    """

    def __init__(self, model: keras.Model, batch_size: int, average: WeightAverage | None = None) -> None:
        self._model, self._batch_size, self._average = model, batch_size, average
        self._objective = Objective.of(model)
        model.optimizer.build(model.trainable_variables)
        self.steps_per_execution = steps_together(model, batch_size)
        self._predicted_at_once = images_that_fit(model, "float32")
        self._forward = forward(model)
        self._sums = keras.ops.zeros(len(SUMS), "float64")
        on_gpu = torch.cuda.is_available()
        self._single = self._on_gpu if on_gpu else self._step
        self._whole = RecordedStep(self._single) if on_gpu else self._step

    def train(self, images: np.ndarray, labels: np.ndarray) -> None:
        pixels, targets = map(keras.ops.convert_to_tensor, (images, as_targets(labels)))
        for first in range(0, len(images), self._batch_size):
            batch = slice(first, first + self._batch_size)
            whole = len(pixels[batch]) == self._batch_size
            (self._whole if whole else self._single)(pixels[batch], targets[batch])

    def result(self) -> dict[str, float]:
        means = self._objective.means(self._sums.tolist())
        self.load_state({})
        return means

    def state(self) -> dict[str, float]:
        return stored(self._sums.tolist())

    def load_state(self, sums: dict[str, float]) -> None:
        self._sums.copy_(keras.ops.convert_to_tensor(restored(sums), "float64"))

    def predict(self, images: np.ndarray) -> np.ndarray:
        size = self._predicted_at_once
        parts = (images[first : first + size] for first in range(0, len(images), size))
        with torch.no_grad():
            outputs = [self._model(keras.ops.convert_to_tensor(part), training=False) for part in parts]
        return np.concatenate([keras.ops.convert_to_numpy(each) for each in outputs])

    def _on_gpu(self, images: Any, targets: Any) -> None:
        with NumbersOnGpu():
            self._step(images, targets)

    def _step(self, images: Any, targets: Any) -> None:
        outputs = self._forward(images)
        loss = torch.mean(self._objective.loss(targets, outputs)) + sum(self._model.losses)
        weights = self._model.trainable_variables
        gradients = torch.autograd.grad(loss, [weight.value for weight in weights])
        with torch.no_grad():
            self._model.optimizer.apply(list(gradients), weights)
            if self._average:
                self._average.update()
            self._sums += self._objective.sums(loss, targets, outputs, "float64")
