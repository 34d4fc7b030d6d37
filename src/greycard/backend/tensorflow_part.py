"""The gradient of one part of a batch on TensorFlow, traced once for parts of any size."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from greycard.backend.averaging import WeightAverage
from greycard.backend.part_computer import Layout, PartComputer
from greycard.backend.tensorflow_steps import of_any_size


class TensorFlowPart(PartComputer):
    """See `PartComputer`."""

    def __init__(self, model: keras.Model, layout: Layout, average: WeightAverage | None) -> None:
        super().__init__(model, layout, average)
        self._sums = of_any_size(self._summed, axis=0)
        self._apply = tf.function(self._applied)
        self._outputs = of_any_size(lambda images: model(images, training=False), axis=0)

    def sums(self, images: np.ndarray, targets: np.ndarray, whole: int, seed: int) -> Any:
        return self._sums(*map(tf.constant, (images, targets, np.float32(whole)))).numpy()

    def apply(self, total: np.ndarray) -> None:
        self._apply(tf.constant(total))

    def predict(self, images: np.ndarray) -> np.ndarray:
        return self._outputs(tf.constant(images)).numpy()

    def _summed(self, images: Any, targets: Any, whole: Any) -> Any:
        before = [tf.identity(each.value) for each in self._layout.others]
        share = tf.cast(tf.shape(images)[0], "float32") / whole
        with tf.GradientTape() as tape:
            outputs = self._model(images, training=True)
            loss = tf.reduce_sum(self._objective.loss(targets, outputs)) / whole
            loss = tf.add_n([loss, *(share * each for each in self._model.losses)])
        weights = [each.value for each in self._layout.trained]
        gradients = tape.gradient(loss, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        changes = [(each.value - old) * share for each, old in zip(self._layout.others, before, strict=True)]
        for each, old in zip(self._layout.others, before, strict=True):
            each.assign(old)
        return self._layout.pack(gradients, changes, loss, self._objective.count_right(targets, outputs, "float32"))

    def _applied(self, total: Any) -> None:
        gradients, changes = self._layout.unpack(total)
        for each, change in zip(self._layout.others, changes, strict=True):
            each.assign_add(change)
        self._model.optimizer.apply(gradients, self._layout.trained)
        if self._average:
            self._average.update()
