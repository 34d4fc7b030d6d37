"""Two classes and one sigmoid unit: the probability of the second class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from greycard.tasks.single_label import SingleLabel

if TYPE_CHECKING:
    import keras


class Binary(SingleLabel):
    """Two classes; binary cross-entropy on a sigmoid. A probability of exactly 0.5 means the first class."""

    name = "binary"
    loss = "binary_crossentropy"

    @classmethod
    def fits(cls, classes: int, several: bool) -> bool:
        return classes == 2 and not several

    @property
    def description(self) -> str:
        return "binary"

    def add_head(self, features: keras.KerasTensor) -> keras.KerasTensor:
        from keras import layers

        return layers.Dense(1, activation="sigmoid", name="output", dtype="float32")(features)

    def metrics(self) -> list[keras.metrics.Metric]:
        import keras

        return [keras.metrics.BinaryAccuracy(name="accuracy")]

    def soft_objective(self) -> tuple[Any, list[keras.metrics.Metric]]:
        import keras

        from greycard.backend.losses import soft_binary_accuracy, soft_binary_crossentropy

        return soft_binary_crossentropy, [keras.metrics.MeanMetricWrapper(soft_binary_accuracy, name="accuracy")]

    def to_probabilities(self, outputs: np.ndarray) -> np.ndarray:
        return np.concatenate([1 - outputs, outputs], axis=1)

    def probability_layers(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        from keras import layers

        second = layers.Activation("sigmoid", name="second", dtype="float32")(logits)
        first = layers.Rescaling(-1.0, 1.0, name="first", dtype="float32")(second)
        return layers.Concatenate(name="probabilities", dtype="float32")([first, second])

    def class_logits(self, logits: Any) -> Any:
        """Half of the one logit for each class: the softmax of both is the sigmoid."""
        from keras import ops

        return ops.concatenate([-logits / 2, logits / 2], axis=1)

    def output_text(self, classes: tuple[str, ...]) -> str:
        return f"the probability of {classes[1]}, (n, 1)"
