"""The gradient of one part of a batch on PyTorch."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import torch

from greycard.backend.averaging import WeightAverage
from greycard.backend.part_computer import Layout, PartComputer
from greycard.backend.torch_forward import forward


class TorchPart(PartComputer):
    """See `PartComputer`."""

    def __init__(self, model: keras.Model, layout: Layout, average: WeightAverage | None) -> None:
        super().__init__(model, layout, average)
        self._forward = forward(model)

    def sums(self, images: np.ndarray, targets: np.ndarray, whole: int, seed: int) -> Any:
        torch.manual_seed(seed)  # Keras draws dropout from PyTorch's own generator
        pixels, wanted = map(keras.ops.convert_to_tensor, (images, targets))
        before = [each.value.detach().clone() for each in self._layout.others]
        share = len(images) / whole
        outputs = self._forward(pixels)
        loss = torch.sum(self._objective.loss(wanted, outputs)) / whole + share * sum(self._model.losses)
        weights = [each.value for each in self._layout.trained]
        gradients = torch.autograd.grad(loss, weights, materialize_grads=True)
        with torch.no_grad():
            changes = [(each.value - old) * share for each, old in zip(self._layout.others, before, strict=True)]
            for each, old in zip(self._layout.others, before, strict=True):
                each.assign(old)
            right = self._objective.count_right(wanted, outputs, "float32")
            return keras.ops.convert_to_numpy(self._layout.pack(gradients, changes, loss, right))

    def apply(self, total: np.ndarray) -> None:
        with torch.no_grad():
            gradients, changes = self._layout.unpack(keras.ops.convert_to_tensor(total))
            for each, change in zip(self._layout.others, changes, strict=True):
                each.assign(each.value + change)
            self._model.optimizer.apply(gradients, self._layout.trained)
            if self._average:
                self._average.update()

    def predict(self, images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return keras.ops.convert_to_numpy(self._model(keras.ops.convert_to_tensor(images), training=False))
