"""The head: from a feature vector to logits' probabilities, with the loss that belongs to it."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from greycard.core.errors import GreycardError

LINEAR, BINARY, MULTI_CLASS = "mean_squared_error", "binary_crossentropy", "sparse_categorical_crossentropy"
LOSSES = {"regression": LINEAR, "binary": BINARY, "multiclass": MULTI_CLASS}
"""The loss of each task."""

_EPSILON = 1e-7
"""Keras keeps probabilities this far from 0 and 1 before it takes their logarithm."""


def task_for(classes: int, wanted: str | None = None) -> str:
    """The task for a number of classes: none is a regression, two are binary, more are multiclass.

    Args:
        classes: 0 for a regression.
        wanted: a recipe's own choice, checked against the data.

    Raises:
        GreycardError: the choice does not fit the number of classes.
    """
    natural = "regression" if classes == 0 else "binary" if classes == 2 else "multiclass"
    if wanted is None or wanted == natural or (wanted == "multiclass" and classes == 2):
        return wanted or natural
    raise GreycardError(
        f"task {wanted!r} does not fit data with {classes} classes; expected {natural!r}",
        hint="--set task=none chooses it by the number of classes",
    )


def add_head(features: keras.KerasTensor, loss: str, classes: int) -> keras.KerasTensor:
    """One sigmoid unit for two classes, a softmax for many, one linear unit for a regression; float32 (b, units)."""
    if loss == MULTI_CLASS:
        return layers.Dense(classes, activation="softmax", name="probabilities", dtype="float32")(features)
    activation = "sigmoid" if loss == BINARY else None
    return layers.Dense(1, activation=activation, name="output", dtype="float32")(features)


def metrics_for(loss: str) -> list[keras.metrics.Metric]:
    """Accuracy under the name `accuracy`, or none for a regression."""
    if loss == BINARY:
        return [keras.metrics.BinaryAccuracy(name="accuracy")]
    if loss == MULTI_CLASS:
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
    return []


def measure(loss: str, labels: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
    """The mean loss of outputs, and accuracy where there are classes, as Keras computes them, in double precision.

    Args:
        loss: one of the three.
        labels: (n,), or targets of a regression.
        outputs: float32 (n, units).
    """
    values = outputs.astype(np.float64)
    if loss == LINEAR:
        return {"loss": float(np.mean((values[:, 0] - labels) ** 2))}
    probabilities = np.clip(as_probabilities(values), _EPSILON, 1 - _EPSILON)
    true = probabilities[np.arange(len(labels)), labels]
    guessed = outputs[:, 0] > 0.5 if loss == BINARY else outputs.argmax(axis=1)
    return {"loss": float(-np.mean(np.log(true))), "accuracy": float(np.mean(guessed == labels))}


def as_probabilities(outputs: np.ndarray) -> np.ndarray:
    """The model's outputs float32 (n, units) as a probability a class, (n, classes): a sigmoid has two."""
    return np.concatenate([1 - outputs, outputs], axis=1) if outputs.shape[1] == 1 else outputs
