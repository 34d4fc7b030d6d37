"""Training steps on TensorFlow: no `tf.data`, no results read back in each step, XLA where it is faster.

Keras's `fit` passes every batch through `tf.data`. Its tuning thread can delay the end of an epoch by as long as the
epoch took, and for small models its bookkeeping takes as long as the step (docs/log.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from greycard.backend.averaging import WeightAverage
from greycard.backend.choices import Choices
from greycard.backend.execution import is_dense, steps_together
from greycard.backend.memory_parts import images_that_fit
from greycard.backend.objective import SUMS, Objective, restored, stored
from greycard.backend.steps import as_targets
from greycard.backend.tensorflow_forward import forward

_WORTH_COMPILING = 2e12
"""With this many operations in a whole training, XLA saves more time than its compilation takes."""

_OPERATIONS_A_WEIGHT = 400
"""The cost of one update of one weight, as a number of operations: it waits for memory, with or without XLA."""


def is_long(model: keras.Model, batch_size: int, steps: int) -> bool:
    """True if compiling saves more time in these steps than it takes."""
    return steps * _operations(model, batch_size) > _WORTH_COMPILING


class _Found(NamedTuple):
    """The loss of some images, the number of correct predictions, and the gradients of the weights."""

    loss: Any
    right: Any
    gradients: list[Any]


class TensorFlowSteps:
    """See `Steps`.

    Args:
        model: a compiled model that `objective.matches` accepts.
        batch_size: images per step.
        steps: total number of training steps.
        choices: how they are computed.
        average: of the weights, updated after every step.
    """

    def __init__(
        self, model: keras.Model, batch_size: int, steps: int, choices: Choices, average: WeightAverage | None = None
    ) -> None:
        self._model, self._batch_size, self._average = model, batch_size, average
        self._objective = Objective.of(model)
        self._sums = tf.Variable(tf.zeros(len(SUMS), tf.float64))
        model.optimizer.build(model.trainable_variables)
        compiled = is_long(model, batch_size, steps)
        whole = compiled and is_dense(model)
        self.steps_per_execution = steps_together(model, batch_size) if compiled else 1
        fused = compiled and not tf.config.list_physical_devices("GPU")  # cuDNN needs no help
        self._forward = forward(model, choices) if fused else self._unchanged
        self._part = choices.part or batch_size
        self._update = tf.function(self._apply, jit_compile=True) if compiled and not whole else self._apply
        self._run = (
            tf.function(self._steps, jit_compile=whole or None) if compiled else of_any_size(self._steps, axis=1)
        )
        self._predicted_at_once = images_that_fit(model, "float32")
        self._outputs = of_any_size(lambda images: model(images, training=False), axis=0)

    def train(self, images: np.ndarray, labels: np.ndarray) -> None:
        targets = as_targets(labels)
        steps, rest = divmod(len(images), self._batch_size)
        if steps:
            self._run(self._as_steps(images, steps), self._as_steps(targets, steps), tf.constant(steps))
        if rest:
            self._run(tf.constant(images[None, -rest:]), tf.constant(targets[None, -rest:]), tf.constant(1))

    def result(self) -> dict[str, float]:
        means = self._objective.means(self._sums.numpy())
        self.load_state({})
        return means

    def state(self) -> dict[str, float]:
        return stored(self._sums.numpy())

    def load_state(self, sums: dict[str, float]) -> None:
        self._sums.assign(restored(sums))

    def predict(self, images: np.ndarray) -> np.ndarray:
        size = self._predicted_at_once
        parts = (images[first : first + size] for first in range(0, len(images), size))
        return np.concatenate([self._outputs(tf.constant(part)).numpy() for part in parts])

    def _as_steps(self, array: np.ndarray, steps: int) -> Any:
        """Reshape (n, …) to (steps_per_execution, batch_size, …), zero-padded: XLA compiles for each new shape."""
        whole = array[: steps * self._batch_size].reshape(steps, self._batch_size, *array.shape[1:])
        missing = self.steps_per_execution - steps
        return tf.constant(np.pad(whole, [(0, missing)] + [(0, 0)] * (whole.ndim - 1)) if missing else whole)

    def _steps(self, images: Any, targets: Any, count: Any) -> None:
        """Do the first `count` steps of the batches (steps, b, …)."""
        if images.shape[0] == 1:
            self._step(images[0], targets[0])
            return
        for position in tf.range(count):
            self._step(images[position], targets[position])

    def _step(self, images: Any, targets: Any) -> None:
        whole = images.shape[0] == self._batch_size
        part = self._part if whole else images.shape[0]
        found = self._in_parts(images, targets) if part != images.shape[0] else self._gradients(images, targets, 1.0)
        self._update(found.gradients)
        count = tf.cast(tf.shape(images)[0], tf.float64)
        self._sums.assign_add(tf.stack([tf.cast(found.loss, tf.float64) * count, found.right, count]))

    def _in_parts(self, images: Any, targets: Any) -> _Found:
        """The same sums as of the whole batch, from equal parts one after the other: a part's memory is used again."""
        count = self._batch_size // self._part
        images, targets = (tf.reshape(each, (count, self._part, *each.shape[1:])) for each in (images, targets))
        total = self._gradients(images[0], targets[0], 1 / count)
        for position in tf.range(1, count):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)  # else several parts are in memory
            more = self._gradients(images[position], targets[position], 1 / count)
            total = tf.nest.map_structure(tf.add, total, more)
        return total

    def _gradients(self, images: Any, targets: Any, share: float) -> _Found:
        """Loss and gradients of images that are this share of their batch."""
        weights = self._model.trainable_variables
        with tf.GradientTape() as tape:
            known = images.shape[0] in (self._batch_size, self._part)  # another size is compiled again, for one step
            outputs = (self._forward if known else self._unchanged)(images)
            loss = tf.add_n([tf.reduce_mean(self._objective.loss(targets, outputs)), *self._model.losses])
            loss = loss if share == 1 else share * loss
        right = self._objective.count_right(targets, outputs, "float64")
        return _Found(loss, right, tape.gradient(loss, [weight.value for weight in weights]))

    def _unchanged(self, images: Any) -> Any:
        return self._model(images, training=True)

    def _apply(self, gradients: list[Any]) -> None:
        self._model.optimizer.apply(gradients, self._model.trainable_variables)
        if self._average:
            self._average.update()


def of_any_size(function: Callable[..., Any], axis: int) -> Callable[..., Any]:
    """Trace a function once for every number of images, which is the arrays' side of this axis.

    What is not compiled gains little from a known size, and a trace takes as long as many small steps.
    """
    traced: list[Any] = []

    def call(*arrays: Any) -> Any:
        if not traced:
            traced.append(tf.function(function, input_signature=[_open(array, axis) for array in arrays]))
        return traced[0](*arrays)

    return call


def _open(array: Any, axis: int) -> tf.TensorSpec:
    return tf.TensorSpec([None if place == axis else side for place, side in enumerate(array.shape)], array.dtype)


def _operations(model: keras.Model, batch_size: int) -> int:
    """About how many operations a step takes: forward pass, two backward passes of the same size, weight updates."""
    an_image = sum(
        2 * int(np.prod(layer.kernel.shape)) * _positions(layer) for layer in filter(_has_kernel, model.layers)
    )
    weights = sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)
    return 3 * an_image * batch_size + _OPERATIONS_A_WEIGHT * weights


def _has_kernel(layer: keras.Layer) -> bool:
    return type(layer) in (layers.Conv2D, layers.Dense)


def _positions(layer: keras.Layer) -> int:
    """At how many positions of an input the kernel is applied; each position gives one number per filter."""
    return int(np.prod(layer.output.shape[1:])) // int(layer.kernel.shape[-1])
