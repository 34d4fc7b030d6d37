"""Predict one number from numbers: one linear unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from greycard.tasks.task import Task

if TYPE_CHECKING:
    import keras


class Regression(Task):
    """One number; mean squared error on a linear unit. There are no classes, no accuracy and no probabilities."""

    name = "regression"
    loss = "mean_squared_error"
    has_classes = False
    has_one_class = False
    examples = "pairs"

    @classmethod
    def fits(cls, classes: int, several: bool) -> bool:
        return classes == 0

    @property
    def description(self) -> str:
        return "regression"

    def add_head(self, features: keras.KerasTensor) -> keras.KerasTensor:
        from keras import layers

        return layers.Dense(1, name="output", dtype="float32")(features)

    def metrics(self) -> list[keras.metrics.Metric]:
        return []

    def measure(self, labels: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        return {"loss": float(np.mean((self.decide(outputs.astype(np.float64)) - labels) ** 2))}

    def to_probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """The outputs unchanged, (n, 1)."""
        return outputs

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """The predicted numbers (n,)."""
        return probabilities[..., 0]

    def lost_labels(self, labels: np.ndarray, kept: np.ndarray) -> list[int]:
        return []

    def probability_layers(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        return logits

    def class_logits(self, logits: Any) -> Any:
        return logits

    def class_probabilities(self, class_logits: Any) -> Any:
        return class_logits

    def output_text(self, classes: tuple[str, ...]) -> str:
        return "a number, (n, 1)"
