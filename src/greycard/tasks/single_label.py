"""The common part of tasks with exactly one class per image, including the accuracy rule."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from greycard.tasks.task import EPSILON, Task

if TYPE_CHECKING:
    import keras

SMALLEST = 1e-12
"""Calibration clips probabilities to this before it takes the logarithm."""


def scaled_softmax(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The probabilities (n, classes) with their logits divided by the temperature; the top class does not change."""
    logits = np.log(np.clip(probabilities.astype(np.float64), SMALLEST, 1)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def likeliest(probabilities: np.ndarray) -> np.ndarray:
    """The most likely class, int (...) for (..., classes); the first of equal ones; NaN counts as highest.

    This is THE rule for one class per image: accuracy, confusion matrices, predictions and exports follow it.
    """
    return probabilities.argmax(axis=-1)


class SingleLabel(Task):
    """Exactly one class per image; labels are int (n,)."""

    @property
    def description(self) -> str:
        return f"{self.classes} classes"

    def measure(self, labels: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        clipped = np.clip(self.to_probabilities(outputs.astype(np.float64)), EPSILON, 1 - EPSILON)
        true = clipped[np.arange(len(labels)), labels]
        right = self.correct(labels, self.to_probabilities(outputs))
        return {"loss": float(-np.mean(np.log(true))), "accuracy": float(np.mean(right))}

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        return likeliest(probabilities)

    def confidence(self, probabilities: np.ndarray) -> np.ndarray:
        return probabilities.max(axis=-1)

    def mistakes(self, labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """The most confident first."""
        guesses = self.decide(probabilities)
        wrong = np.flatnonzero(~self.correct(labels, probabilities))
        return wrong[np.argsort(-probabilities[wrong, guesses[wrong]], kind="stable")]

    def at_temperature(self, probabilities: np.ndarray, temperature: float) -> np.ndarray:
        return scaled_softmax(probabilities, temperature)

    def lost_labels(self, labels: np.ndarray, kept: np.ndarray) -> list[int]:
        return sorted(set(labels.tolist()) - set(kept.tolist()))

    def only_classes_of(self, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
        return np.isin(labels, others)

    def class_probabilities(self, class_logits: Any) -> Any:
        from keras import ops

        return ops.softmax(class_logits)

    @abstractmethod
    def probability_layers(self, logits: keras.KerasTensor) -> keras.KerasTensor: ...
