"""Training steps on TensorFlow: no input pipeline of its own, nothing read back, XLA where it is faster.

Keras's `fit` hands every batch through `tf.data`, whose tuning thread can hold up the end of an epoch for as long as
the epoch took, and on small models spends as long on bookkeeping as on the step (docs/log.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from greycard.backend.tensorflow_forward import forward

_WORTH_COMPILING = 2e12
"""Operations in a whole training from which the seconds that XLA takes to compile are made up for."""

_OPERATIONS_A_WEIGHT = 400
"""What updating one weight once costs, as so many operations: it waits for memory, XLA or not."""

_TOGETHER, _TOGETHER_BYTES = 32, 1 << 20
"""Several steps a call, while their images are this small: for larger ones the call costs nothing against the step."""

_OPTIMIZERS = (keras.optimizers.Adam, keras.optimizers.RMSprop, keras.optimizers.SGD)

_DENSE = (layers.InputLayer, layers.Rescaling, layers.Flatten, layers.Dense, layers.Dropout)
"""What XLA runs as fast as TensorFlow or faster; it runs convolutions more slowly, and some layers not at all."""

_SUMS = ("loss", "right", "images")
"""What is added up over an epoch; `right` are the right answers."""


@dataclass(frozen=True)
class _Kind:
    """What the steps know of a loss.

    Attributes:
        units: that the model's output must have; None for any number.
        right: which answers (b, units) equal the targets (b, 1), as Keras's accuracy has it; None without accuracy.
    """

    units: int | None
    right: Callable[[Any, Any], Any] | None


def _same_half(targets: Any, outputs: Any) -> Any:
    """As `BinaryAccuracy`."""
    return (outputs > 0.5) == (targets > 0.5)


def _likeliest(targets: Any, outputs: Any) -> Any:
    """As `SparseCategoricalAccuracy`."""
    return tf.argmax(outputs, axis=1) == tf.cast(targets[:, 0], tf.int64)


_KINDS = {
    "mean_squared_error": _Kind(1, None),
    "binary_crossentropy": _Kind(1, _same_half),
    "sparse_categorical_crossentropy": _Kind(None, _likeliest),
}


def matches(model: keras.Model) -> bool:
    """Whether `TensorFlowSteps` train this model as Keras would, and measure what Keras would.

    A model of one input whose size is known and one output (b, units), a single unit but for several classes; compiled
    by name with one of the three losses and nothing to weight it, exactly one of the three optimizers, and Keras's own
    step.
    """
    kind, loss = type(model), model.loss if isinstance(model.loss, str) else ""
    return (
        kind.train_step is keras.Model.train_step
        and kind.compute_loss is keras.Model.compute_loss
        and type(model.optimizer) in _OPTIMIZERS
        and loss in _KINDS
        and model.get_compile_config()["loss_weights"] is None
        and len(model.inputs) == len(model.outputs) == 1
        and None not in model.inputs[0].shape[1:]
        and len(model.outputs[0].shape) == 2
        and _KINDS[loss].units in (None, model.outputs[0].shape[1])
    )


class TensorFlowSteps:
    """See `Steps`.

    Args:
        model: compiled, and one that `matches`.
        batch_size: images a step.
        steps: that training will take in all.
    """

    def __init__(self, model: keras.Model, batch_size: int, steps: int) -> None:
        self._model, self._batch_size = model, batch_size
        self._loss, self._right = keras.losses.get(model.loss), _KINDS[model.loss].right
        self._sums = tf.Variable(tf.zeros(len(_SUMS), tf.float64))
        model.optimizer.build(model.trainable_variables)
        compiled = steps * _operations(model, batch_size) > _WORTH_COMPILING
        whole = compiled and _is_dense(model)
        self.steps_per_execution = _steps_per_execution(model, batch_size) if compiled else 1
        fused = compiled and not tf.config.list_physical_devices("GPU")  # cuDNN needs no help
        self._forward = forward(model) if fused else self._as_it_is
        self._update = tf.function(self._apply, jit_compile=True) if compiled and not whole else self._apply
        self._run = tf.function(self._steps, jit_compile=whole or None)
        self._outputs = tf.function(lambda images: model(images, training=False), reduce_retracing=True)

    def train(self, images: np.ndarray, labels: np.ndarray) -> None:
        targets = labels.astype(np.float32)[:, None]
        steps, rest = divmod(len(images), self._batch_size)
        if steps:
            self._run(self._as_steps(images, steps), self._as_steps(targets, steps), tf.constant(steps))
        if rest:
            self._run(tf.constant(images[None, -rest:]), tf.constant(targets[None, -rest:]), tf.constant(1))

    def result(self) -> dict[str, float]:
        loss, right, images = self._sums.numpy()
        self.load_state({})
        mean = {"loss": float(loss / images)}
        return mean if self._right is None else mean | {"accuracy": float(right / images)}

    def state(self) -> dict[str, float]:
        return dict(zip(_SUMS, self._sums.numpy().tolist(), strict=True))

    def load_state(self, sums: dict[str, float]) -> None:
        self._sums.assign([sums.get(name, 0.0) for name in _SUMS])

    def predict(self, images: np.ndarray) -> np.ndarray:
        return self._outputs(tf.constant(images)).numpy()

    def _as_steps(self, array: np.ndarray, steps: int) -> Any:
        """(n, …) as (together, batch size, …), filled up: XLA compiles for one shape, and would do so again."""
        whole = array[: steps * self._batch_size].reshape(steps, self._batch_size, *array.shape[1:])
        missing = self.steps_per_execution - steps
        return tf.constant(np.pad(whole, [(0, missing)] + [(0, 0)] * (whole.ndim - 1)) if missing else whole)

    def _steps(self, images: Any, targets: Any, count: Any) -> None:
        """`count` steps of the batches (steps, b, …)."""
        if images.shape[0] == 1:
            self._step(images[0], targets[0])
            return
        for position in tf.range(count):
            self._step(images[position], targets[position])

    def _step(self, images: Any, targets: Any) -> None:
        weights = self._model.trainable_variables
        with tf.GradientTape() as tape:
            whole = images.shape[0] == self._batch_size  # an epoch's rest would be compiled anew, for one step
            outputs = (self._forward if whole else self._as_it_is)(images)
            loss = tf.add_n([tf.reduce_mean(self._loss(targets, outputs)), *self._model.losses])
        self._update(tape.gradient(loss, [weight.value for weight in weights]))
        count = tf.cast(tf.shape(images)[0], tf.float64)
        right = 0 * count if self._right is None else _count(self._right(targets, outputs))
        self._sums.assign_add(tf.stack([tf.cast(loss, tf.float64) * count, right, count]))

    def _as_it_is(self, images: Any) -> Any:
        return self._model(images, training=True)

    def _apply(self, gradients: list[Any]) -> None:
        self._model.optimizer.apply(gradients, self._model.trainable_variables)


def _count(right: Any) -> Any:
    return tf.reduce_sum(tf.cast(right, tf.float64))


def _is_dense(model: keras.Model) -> bool:
    return all(type(layer) in _DENSE for layer in model.layers)


def _operations(model: keras.Model, batch_size: int) -> int:
    """About how many a step takes: two passes back for each forward, and the update of every weight."""
    an_image = sum(2 * int(np.prod(layer.kernel.shape)) * _places(layer) for layer in filter(_has_kernel, model.layers))
    weights = sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)
    return 3 * an_image * batch_size + _OPERATIONS_A_WEIGHT * weights


def _has_kernel(layer: keras.Layer) -> bool:
    return type(layer) in (layers.Conv2D, layers.Dense)


def _places(layer: keras.Layer) -> int:
    """At how many places of an input the kernel is applied: for each it gives a number a filter."""
    return int(np.prod(layer.output.shape[1:])) // int(layer.kernel.shape[-1])


def _steps_per_execution(model: keras.Model, batch_size: int) -> int:
    bytes_a_step = batch_size * int(np.prod(model.input_shape[1:])) * np.dtype(model.input.dtype).itemsize
    return max(1, min(_TOGETHER, _TOGETHER_BYTES // bytes_a_step))
