"""Training steps on TensorFlow: no `tf.data`, no results read back in each step, XLA where it is faster.

Keras's `fit` passes every batch through `tf.data`. Its tuning thread can delay the end of an epoch by as long as the
epoch took, and for small models its bookkeeping takes as long as the step (docs/log.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from greycard.backend.averaging import WeightAverage
from greycard.backend.choices import Choices
from greycard.backend.losses import soft_binary_crossentropy
from greycard.backend.parts import images_that_fit
from greycard.backend.steps import as_targets
from greycard.backend.tensorflow_forward import forward

_WORTH_COMPILING = 2e12
"""With this many operations in a whole training, XLA saves more time than its compilation takes."""

_OPERATIONS_A_WEIGHT = 400
"""The cost of one update of one weight, as a number of operations: it waits for memory, with or without XLA."""

_MOST_STEPS, _MOST_BYTES = 32, 1 << 20
"""Limits of steps per call and their images' bytes: for larger images the cost of a call is small against the step."""

_OPTIMIZERS = (keras.optimizers.Adam, keras.optimizers.AdamW, keras.optimizers.RMSprop, keras.optimizers.SGD)

_DENSE = (layers.InputLayer, layers.Rescaling, layers.Flatten, layers.Dense, layers.Dropout)
"""Layers that XLA runs at least as fast as TensorFlow. It is slower on convolutions and lacks some layers."""

_SUMS = ("loss", "right", "images")
"""The sums over an epoch; `right` is the number of correct predictions."""


@dataclass(frozen=True)
class _Kind:
    """What the steps know of a loss.

    Attributes:
        units: that the model's output must have; None for any number.
        right: which outputs (b, units) agree with the targets (b, 1) or (b, classes), as Keras's accuracy has it; None
            without accuracy.
    """

    units: int | None
    right: Callable[[Any, Any], Any] | None


def _same_half(targets: Any, outputs: Any) -> Any:
    """As `BinaryAccuracy`."""
    return (outputs > 0.5) == (targets > 0.5)


def _likeliest(targets: Any, outputs: Any) -> Any:
    """As `SparseCategoricalAccuracy`."""
    return tf.argmax(outputs, axis=1) == tf.cast(targets[:, 0], tf.int64)


def _larger(targets: Any, outputs: Any) -> Any:
    """As `soft_binary_accuracy`."""
    return (outputs[:, 0] > 0.5) == (targets[:, 1] > targets[:, 0])


def _largest(targets: Any, outputs: Any) -> Any:
    """As `CategoricalAccuracy`."""
    return tf.argmax(outputs, axis=1) == tf.argmax(targets, axis=1)


_KINDS = {
    "mean_squared_error": _Kind(1, None),
    "binary_crossentropy": _Kind(1, _same_half),
    "sparse_categorical_crossentropy": _Kind(None, _likeliest),
    soft_binary_crossentropy: _Kind(1, _larger),
    "categorical_crossentropy": _Kind(None, _largest),
}


def matches(model: keras.Model) -> bool:
    """True if `TensorFlowSteps` trains this model, and measures loss and accuracy, exactly as Keras does.

    The model needs one input of known size and one output (b, units), with one unit unless the loss is for several
    classes. It must be compiled with one of the losses of the tasks, without loss weights, and with one of the recipes'
    optimizers (no subclass), and must not override Keras's training step.
    """
    kind, loss = type(model), model.loss if isinstance(model.loss, str) or callable(model.loss) else ""
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
        model: a compiled model that `matches` accepts.
        batch_size: images per step.
        steps: total number of training steps.
        choices: how they are computed.
        average: of the weights, updated after every step.
    """

    def __init__(
        self, model: keras.Model, batch_size: int, steps: int, choices: Choices, average: WeightAverage | None = None
    ) -> None:
        self._model, self._batch_size, self._average = model, batch_size, average
        self._loss, self._right = keras.losses.get(model.loss), _KINDS[model.loss].right
        self._sums = tf.Variable(tf.zeros(len(_SUMS), tf.float64))
        model.optimizer.build(model.trainable_variables)
        compiled = is_long(model, batch_size, steps)
        whole = compiled and _is_dense(model)
        self.steps_per_execution = _steps_per_execution(model, batch_size) if compiled else 1
        fused = compiled and not tf.config.list_physical_devices("GPU")  # cuDNN needs no help
        self._forward = forward(model, choices) if fused else self._unchanged
        self._part = choices.part or batch_size
        self._update = tf.function(self._apply, jit_compile=True) if compiled and not whole else self._apply
        self._run = (
            tf.function(self._steps, jit_compile=whole or None) if compiled else _of_any_size(self._steps, axis=1)
        )
        self._predicted_at_once = images_that_fit(model, "float32")
        self._outputs = _of_any_size(lambda images: model(images, training=False), axis=0)

    def train(self, images: np.ndarray, labels: np.ndarray) -> None:
        targets = as_targets(labels)
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
            loss = tf.add_n([tf.reduce_mean(self._loss(targets, outputs)), *self._model.losses])
            loss = loss if share == 1 else share * loss
        right = tf.constant(0.0, tf.float64) if self._right is None else _count(self._right(targets, outputs))
        return _Found(loss, right, tape.gradient(loss, [weight.value for weight in weights]))

    def _unchanged(self, images: Any) -> Any:
        return self._model(images, training=True)

    def _apply(self, gradients: list[Any]) -> None:
        self._model.optimizer.apply(gradients, self._model.trainable_variables)
        if self._average:
            self._average.update()


def _of_any_size(function: Callable[..., Any], axis: int) -> Callable[..., Any]:
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


def _count(right: Any) -> Any:
    return tf.reduce_sum(tf.cast(right, tf.float64))


def _is_dense(model: keras.Model) -> bool:
    return all(type(layer) in _DENSE for layer in model.layers)


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


def _steps_per_execution(model: keras.Model, batch_size: int) -> int:
    bytes_a_step = batch_size * int(np.prod(model.input_shape[1:])) * np.dtype(model.input.dtype).itemsize
    return max(1, min(_MOST_STEPS, _MOST_BYTES // bytes_a_step))
