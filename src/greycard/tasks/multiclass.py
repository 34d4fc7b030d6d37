"""Several classes that exclude each other: a softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from greycard.tasks.single_label import SingleLabel

if TYPE_CHECKING:
    import keras


class MultiClass(SingleLabel):
    """One unit per class; categorical cross-entropy on a softmax."""

    name = "multiclass"
    loss = "sparse_categorical_crossentropy"

    @classmethod
    def fits(cls, classes: int, several: bool) -> bool:
        return classes >= 1 and not several

    @property
    def units(self) -> int:
        return self.classes

    def add_head(self, features: keras.KerasTensor) -> keras.KerasTensor:
        from keras import layers

        return layers.Dense(self.units, activation="softmax", name="probabilities", dtype="float32")(features)

    def metrics(self) -> list[keras.metrics.Metric]:
        import keras

        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    def soft_objective(self) -> tuple[Any, list[keras.metrics.Metric]]:
        import keras

        return "categorical_crossentropy", [keras.metrics.CategoricalAccuracy(name="accuracy")]

    def to_probabilities(self, outputs: np.ndarray) -> np.ndarray:
        return outputs

    def probability_layers(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        from keras import layers

        return layers.Softmax(name="probabilities", dtype="float32")(logits)

    def class_logits(self, logits: Any) -> Any:
        return logits

    def output_text(self, classes: tuple[str, ...]) -> str:
        return f"one probability per class, (n, {len(classes)})"
