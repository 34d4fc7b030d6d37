"""The interface of tasks. No other module branches on the loss, the number of classes or the output's shape."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    import keras

    from greycard.tasks.target import Target

EPSILON = 1e-7
"""Keras clips probabilities to this distance from 0 and 1 before it takes the logarithm."""


@dataclass(frozen=True)
class Task(ABC):
    """What a model is trained to predict.

    Labels have the images on their first axis; only the task knows their other axes.

    Args:
        classes: number of classes; 0 if the targets are numbers.

    Attributes:
        name: the name of the task in a recipe.
        loss: the name of the loss in Keras.
        has_classes: True if the model predicts class probabilities, False if it predicts numbers.
        has_several: True if an image can have several classes, which are then called labels.
    """

    classes: int

    name: ClassVar[str]
    loss: ClassVar[str]
    has_classes: ClassVar[bool] = True
    has_several: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def fits(cls, classes: int, several: bool) -> bool:
        """True if data with this number of classes, and one or `several` of them per image, fits this task."""

    @property
    @abstractmethod
    def description(self) -> str:
        """A word or two for people, such as `10 classes`."""

    @property
    def has_one_class(self) -> bool:
        """True if an image has exactly one class, so there are an accuracy and confusions."""
        return self.has_classes and not self.has_several

    @property
    def units(self) -> int:
        """The number of the model's outputs."""
        return 1

    @abstractmethod
    def add_head(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """The output layer on features (b, n): float32 (b, units)."""

    @abstractmethod
    def metrics(self) -> list[keras.metrics.Metric]:
        """Keras's metrics to train with: accuracy under the name `accuracy`, or none."""

    @property
    def train_loss(self) -> Any:
        """What Keras takes as the loss in training: a name, or a loss of the backend."""
        return self.loss

    @property
    def target(self) -> Target | None:
        """The numbers that the model learns to predict; None if it predicts classes, or if its inputs are numbers."""
        return None

    def fitted(self, labels: np.ndarray) -> Task:
        """The task for images with these training labels (n,): a regression takes its scale from them."""
        return self

    def standardised(self, labels: np.ndarray) -> np.ndarray:
        """Labels (n,) as the head predicts them; only a regression has others than the labels."""
        return labels

    def in_unit(self, outputs: keras.KerasTensor) -> keras.KerasTensor:
        """The head's outputs in the unit of the labels: those of a regression are standardised numbers before."""
        return outputs

    def soft_objective(self) -> tuple[Any, list[keras.metrics.Metric]]:
        """Keras's loss and metrics for soft targets float32 (b, classes); accuracy compares the largest entries."""
        raise TypeError(f"{self.name} has no classes, so no soft targets")

    def compile(self, model: keras.Model, optimizer: keras.optimizers.Optimizer, *, soft_targets: bool = False) -> None:
        """Compile a model with this task's head for training.

        Args:
            model: the model.
            optimizer: changes its weights.
            soft_targets: True for targets float32 (b, classes), False for labels (b,).
        """
        loss, metrics = self.soft_objective() if soft_targets else (self.train_loss, self.metrics())
        model.compile(optimizer=optimizer, loss=loss, metrics=metrics)

    @abstractmethod
    def measure(self, labels: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Mean `loss`, and `accuracy` if there are classes, in double precision; both follow Keras's definition.

        Args:
            labels: (n,) class numbers or targets, or (n, classes) of 0 and 1.
            outputs: the model's outputs, float32 (n, units), n at least 1.
        """

    @abstractmethod
    def to_probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """The model's outputs (n, units) as probabilities (n, classes); numbers are returned unchanged."""

    @abstractmethod
    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """The predicted labels: int (...) for probabilities (..., classes), or 0 and 1 (..., classes) if several."""

    def likeliest(self, probabilities: np.ndarray) -> np.ndarray:
        """The most likely class, int (...) for probabilities (..., classes)."""
        return self.decide(probabilities)

    def at_temperature(self, probabilities: np.ndarray, temperature: float) -> np.ndarray:
        """The probabilities (n, classes) with their logits divided by the temperature."""
        raise TypeError(f"{self.name} has no probabilities")

    def scaled(self, temperature: float) -> Task:
        """The task that decides the same on probabilities with their logits divided by the temperature."""
        return self

    def correct(self, labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Which decisions equal the labels, bool (n,); of several labels, all of an image."""
        return self.decide(probabilities) == labels

    def confidence(self, probabilities: np.ndarray) -> np.ndarray:
        """The probability that the decision is right, float (...) for (..., classes); of several labels, that the least
        sure one is decided rightly."""
        raise TypeError(f"{self.name} has no probabilities")

    @abstractmethod
    def mistakes(self, labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """The rows of the wrong predictions, worst first, int (mistakes,)."""

    @abstractmethod
    def lost_labels(self, labels: np.ndarray, kept: np.ndarray) -> list[int]:
        """The classes that occur in `labels` and not in `kept`, in order."""

    def only_classes_of(self, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Which images have no class that is missing in `others`, the labels of other images; bool (n,)."""
        return np.ones(len(labels), dtype=bool)

    @abstractmethod
    def probability_layers(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        """Keras layers from the head's logits (b, units) to probabilities (b, classes), for a calibrated model."""

    @abstractmethod
    def class_logits(self, logits: Any) -> Any:
        """The head's logits (b, units) as one logit per class, (b, classes); differentiable."""

    @abstractmethod
    def class_probabilities(self, class_logits: Any) -> Any:
        """The result of `class_logits` as probabilities (b, classes); differentiable."""

    @abstractmethod
    def output_text(self, classes: tuple[str, ...]) -> str:
        """What the saved, uncalibrated model returns: meaning and shape, for a model card."""
