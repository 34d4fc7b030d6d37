"""Predict one number: one linear unit, in standard deviations of the training numbers, then in their unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from greycard.tasks.target import Target
from greycard.tasks.task import Task

if TYPE_CHECKING:
    import keras

UNIT = "unit"
"""The name of the last layer, which gives standardised numbers the unit of the labels."""


@dataclass(frozen=True)
class Regression(Task):
    """One number. There are no classes, no accuracy and no probabilities.

    With a target, the head predicts standardised numbers, and a last layer without weights gives them the unit of the
    labels. The loss is the mean squared error of standardised numbers: 1 means no better than the training images'
    mean. So a model learns numbers in grams as it learns them in tonnes. Without a target, as for pairs of numbers, the
    unit of the head and of the loss is that of the labels.

    Attributes:
        target: the training numbers; None for a head in the labels' own unit.
    """

    target: Target | None = None

    name = "regression"
    loss = "mean_squared_error"
    has_classes = False

    @classmethod
    def fits(cls, classes: int, several: bool) -> bool:
        return classes == 0

    @property
    def description(self) -> str:
        return "regression"

    @property
    def train_loss(self) -> Any:
        from greycard.backend.losses import ScaledSquaredError

        return self.loss if self.target is None else ScaledSquaredError(self.target.deviation)

    def fitted(self, labels: np.ndarray) -> Regression:
        return replace(self, target=Target.of(labels))

    def add_head(self, features: keras.KerasTensor) -> keras.KerasTensor:
        from keras import layers

        return layers.Dense(1, name="output", dtype="float32")(features)

    def in_unit(self, outputs: keras.KerasTensor) -> keras.KerasTensor:
        from keras import layers

        if self.target is None:
            return outputs
        return layers.Rescaling(self.target.deviation, self.target.mean, name=UNIT, dtype="float32")(outputs)

    def metrics(self) -> list[keras.metrics.Metric]:
        return []

    def measure(self, labels: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        errors = self.decide(outputs.astype(np.float64)) - labels
        return {"loss": float(np.mean((errors / (self.target.deviation if self.target else 1.0)) ** 2))}

    def to_probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """The outputs unchanged, (n, 1)."""
        return outputs

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """The predicted numbers (...) of outputs (..., 1)."""
        return probabilities[..., 0]

    def mistakes(self, labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """All rows, those with the largest errors first; NaN counts as largest."""
        errors = np.nan_to_num(np.abs(self.decide(probabilities) - labels), nan=np.inf)
        return np.argsort(-errors, kind="stable")

    def standardised(self, labels: np.ndarray) -> np.ndarray:
        """Labels (n,) as the head predicts them, float64."""
        values = labels.astype(np.float64)
        return values if self.target is None else (values - self.target.mean) / self.target.deviation

    def lost_labels(self, labels: np.ndarray, kept: np.ndarray) -> list[int]:
        return []

    def probability_layers(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        return self.in_unit(logits)

    def class_logits(self, logits: Any) -> Any:
        return logits

    def class_probabilities(self, class_logits: Any) -> Any:
        return class_logits

    def output_text(self, classes: tuple[str, ...]) -> str:
        return "a number, (n, 1)"
