"""Losses and accuracies that Keras lacks: of one sigmoid unit with soft targets for both classes, and of numbers on
their own scale."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


def soft_binary_crossentropy(targets: Any, outputs: Any) -> Any:
    """The loss -(t0 log(1 - p) + t1 log p) of each image, (b,).

    It is Keras's binary cross-entropy with t1 / (t0 + t1) as the target and t0 + t1 as the image's weight.

    Args:
        targets: (t0, t1) for both classes, float32 (b, 2); both from 0 on, and their sum above 0.
        outputs: the probability p of the second class, float32 (b, 1).
    """
    weights = ops.sum(targets, axis=1)
    second = targets[:, 1:] / weights[:, None]
    return weights * keras.losses.binary_crossentropy(second, outputs)


def soft_binary_accuracy(targets: Any, outputs: Any) -> Any:
    """1 where the class with the larger target has the larger probability, (b,); ties mean the first class."""
    return ops.cast(ops.equal(targets[:, 1] > targets[:, 0], outputs[:, 0] > 0.5), "float32")


@keras.saving.register_keras_serializable("greycard")
class ScaledSquaredError(keras.losses.Loss):
    """The mean squared error of numbers, in squared standard deviations of the training numbers.

    Args:
        deviation: the standard deviation.
        name: of the loss in Keras.
    """

    def __init__(self, deviation: float, name: str = "scaled_squared_error", **others: Any) -> None:
        super().__init__(name=name, **others)
        self.deviation = deviation

    def call(self, targets: Any, outputs: Any) -> Any:
        """The loss of each image, (b,); targets and outputs float32 (b, 1)."""
        return ops.mean(ops.square((targets - outputs) / self.deviation), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """As Keras saves it."""
        return {**super().get_config(), "deviation": self.deviation}
