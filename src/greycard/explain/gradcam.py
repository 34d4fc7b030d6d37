"""Grad-CAM: where in a picture a convolutional network finds what speaks for a class."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import keras
import numpy as np
from keras import ops

from greycard.backend.gradients import gradient
from greycard.explain.parts import take_apart

Heat = Callable[[np.ndarray, int], np.ndarray]
"""A picture uint8 (height, width, channels) and a class to heat, float32 (height, width), 0 to 1."""


def grad_cam(model: keras.Model, picture: np.ndarray, label: int) -> np.ndarray:
    """How much each place speaks for a class, float32 (height, width), 0 to 1; all 0 where nothing does.

    Args:
        model: a classifier of Greycard's, its backbone nested or not.
        picture: uint8 (height, width, channels), at the model's size.
        label: the class.

    Raises:
        GreycardError: the model has no feature map.

    Source: Selvaraju et al., "Grad-CAM: visual explanations from deep networks" (2017), on logits.
    """
    return heat_of(model)(picture, label)


def heat_of(model: keras.Model) -> Heat:
    """`grad_cam` of one model for many pictures: it is taken apart once."""
    parts = take_apart(model)

    def heat(picture: np.ndarray, label: int) -> np.ndarray:
        seen = np.asarray(ops.convert_to_numpy(parts.sees(picture[None], training=False)), np.float32)
        weights = gradient(lambda x: ops.sum(parts.decides(x)[:, label]), seen).mean(axis=(1, 2), keepdims=True)
        found = np.maximum((weights * seen).sum(axis=3)[0], 0.0)
        large = cv2.resize(found, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return large / large.max() if large.max() > 0 else large

    return heat
