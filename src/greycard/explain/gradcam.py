"""Grad-CAM: the places in an image that a convolutional network uses as evidence for a class."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from keras import ops

from greycard.backend.gradients import gradient
from greycard.explain.feature_layer import split_at_feature_layer
from greycard.models.model import Model
from greycard.models.views import middle_of
from greycard.tasks.task import Task

Heat = Callable[[np.ndarray, int], np.ndarray]
"""From an image, uint8 (height, width, channels), and a class to a heat map, float32 (height, width)."""


def grad_cam(
    model: Model, task: Task, image: np.ndarray, label: int, temperature: float = 1.0, part: float = 1.0
) -> np.ndarray:
    """The heat map of a class, float32 (height, width), 0 to 1.

    The shape of the map is that of Grad-CAM. Its maximum is measured: the loss of probability if all places with
    evidence for the class are removed from the feature map. So a map of noise, which changes nothing, is near 0.

    Args:
        model: a classifier.
        task: the model's task; it has classes.
        image: uint8 (height, width, channels), in the model's input size.
        label: the class.
        temperature: the logits are divided by it for a calibrated probability.
        part: the recipe's `center_crop`; the map is 0 around this middle part, which the model does not see.

    Raises:
        GreycardError: the model has no feature map.

    Source: Selvaraju et al., "Grad-CAM: visual explanations from deep networks" (2017), on logits.
    """
    return heat_of(model, task, temperature, part)(image, label)


def heat_of(model: Model, task: Task, temperature: float = 1.0, part: float = 1.0) -> Heat:
    """`grad_cam` for many images of one model; the model is split once."""
    parts = split_at_feature_layer(model, task)

    def probability(seen: np.ndarray, label: int) -> float:
        return float(ops.convert_to_numpy(task.class_probabilities(parts.head(seen) / temperature))[0, label])

    def heat(image: np.ndarray, label: int) -> np.ndarray:
        seen = np.asarray(ops.convert_to_numpy(parts.features(image[None], training=False)), np.float32)
        weights = gradient(lambda x: ops.sum(parts.head(x)[:, label]), seen).mean(axis=(1, 2), keepdims=True)
        found = np.maximum((weights * seen).sum(axis=3), 0.0)  # of each view; the one that is not mirrored comes first
        lost = probability(seen, label) - probability(seen * (found == 0)[..., None], label)
        large = _placed(found[0], image.shape[0], image.shape[1], part)
        return large * np.float32(max(lost, 0.0) / large.max()) if large.max() > 0 else large

    return heat


def _placed(heat: np.ndarray, height: int, width: int, part: float) -> np.ndarray:
    """The map at the size of the image's middle part, in its place; float32 (height, width)."""
    top, left, rows, columns = middle_of(height, width, part)
    whole = np.zeros((height, width), np.float32)
    whole[top : top + rows, left : left + columns] = cv2.resize(heat, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return whole
