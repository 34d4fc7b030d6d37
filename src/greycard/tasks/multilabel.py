"""Several labels per image: one sigmoid unit for each label, and a threshold for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from greycard.tasks.task import EPSILON, Task

if TYPE_CHECKING:
    import keras

HALF = 0.5
"""The threshold of every label before thresholds are chosen."""


@dataclass(frozen=True)
class MultiLabel(Task):
    """Any number of labels per image, also none; binary cross-entropy, the mean over images and labels.

    Labels are uint8 (n, classes) of 0 and 1. A probability of exactly the threshold means that the image has the label.
    There is no `accuracy`: with many labels that are rare, a model that predicts nothing would have a high one.

    Args:
        thresholds: of each label, on the probabilities that `decide` gets; empty for 0.5 each.
    """

    thresholds: tuple[float, ...] = ()

    name = "multilabel"
    loss = "bce"  # Keras's other name of its binary cross-entropy; steps count no right answers for it
    has_several = True

    @classmethod
    def fits(cls, classes: int, several: bool) -> bool:
        return several and classes >= 1

    @property
    def description(self) -> str:
        return f"{self.classes} labels, several per image"

    @property
    def units(self) -> int:
        return self.classes

    @property
    def limits(self) -> np.ndarray:
        """The threshold of each label, float64 (classes,)."""
        return np.array(self.thresholds or (HALF,) * self.classes)

    def add_head(self, features: keras.KerasTensor) -> keras.KerasTensor:
        from keras import layers

        return layers.Dense(self.units, activation="sigmoid", name="probabilities", dtype="float32")(features)

    def metrics(self) -> list[keras.metrics.Metric]:
        return []

    def soft_objective(self) -> tuple[Any, list[keras.metrics.Metric]]:
        """The same loss: its targets may be any numbers from 0 to 1."""
        return self.loss, []

    def measure(self, labels: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        clipped = np.clip(outputs.astype(np.float64), EPSILON, 1 - EPSILON)
        return {"loss": float(-np.mean(np.where(labels > 0, np.log(clipped), np.log1p(-clipped))))}

    def to_probabilities(self, outputs: np.ndarray) -> np.ndarray:
        return outputs

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """Which labels reach their threshold: uint8 (..., classes) of 0 and 1."""
        return (probabilities >= self.limits).astype(np.uint8)

    def likeliest(self, probabilities: np.ndarray) -> np.ndarray:
        return probabilities.argmax(axis=-1)

    def correct(self, labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Which images have exactly the predicted labels, bool (n,)."""
        return (self.decide(probabilities) == labels).all(axis=1)

    def confidence(self, probabilities: np.ndarray) -> np.ndarray:
        """That of the label that is decided least surely: of a predicted label p, of another one 1 - p."""
        return np.where(self.decide(probabilities) > 0, probabilities, 1 - probabilities).min(axis=-1)

    def mistakes(self, labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """The rows with a wrong label; in turns the next one of each label, so that every label has some."""
        wrong = self.decide(probabilities) != labels
        sureness = np.where(wrong, np.abs(self.margins(probabilities)), -1.0)
        ranks = np.argsort(np.argsort(-sureness, axis=0, kind="stable"), axis=0, kind="stable")
        turns = np.where(wrong, ranks, len(labels)).min(axis=1)
        rows = np.flatnonzero(wrong.any(axis=1))
        return rows[np.lexsort((-sureness.max(axis=1)[rows], turns[rows]))]

    def margins(self, probabilities: np.ndarray) -> np.ndarray:
        """How far each logit is above its threshold's, float64 (..., classes)."""
        return logit(probabilities.astype(np.float64)) - logit(self.limits)

    def lost_labels(self, labels: np.ndarray, kept: np.ndarray) -> list[int]:
        return np.flatnonzero(labels.any(axis=0) & ~kept.any(axis=0)).tolist()

    def only_classes_of(self, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
        return np.asarray((labels[:, ~others.any(axis=0)] == 0).all(axis=1))

    def at_temperature(self, probabilities: np.ndarray, temperature: float) -> np.ndarray:
        return sigmoid(logit(probabilities.astype(np.float64)) / temperature)

    def scaled(self, temperature: float) -> MultiLabel:
        """The thresholds in the place that they have on scaled probabilities, so the decisions are the same."""
        if temperature == 1.0:
            return self
        return MultiLabel(self.classes, tuple(self.at_temperature(self.limits, temperature).tolist()))

    def probability_layers(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        from keras import layers

        return layers.Activation("sigmoid", name="probabilities", dtype="float32")(logits)

    def class_logits(self, logits: Any) -> Any:
        return logits

    def class_probabilities(self, class_logits: Any) -> Any:
        from keras import ops

        return ops.sigmoid(class_logits)

    def output_text(self, classes: tuple[str, ...]) -> str:
        return f"one probability per label, (n, {len(classes)}); they do not sum to 1"


def logit(probabilities: np.ndarray) -> np.ndarray:
    """The logits of probabilities, which are clipped like Keras's."""
    clipped = np.clip(probabilities, EPSILON, 1 - EPSILON)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """The probabilities of logits."""
    return np.asarray(1 / (1 + np.exp(-logits)))
