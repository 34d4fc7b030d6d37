"""Colour jitter: change contrast, saturation and hue, with one matrix product per image."""

from __future__ import annotations

import math

import cv2
import numpy as np

from greycard.core.randomness import COLOUR, between, generator
from greycard.pipeline.augmentation import Augmentation

_GREY = np.array([0.299, 0.587, 0.114])
"""The share of red, green and blue in the grey of a pixel (ITU-R BT.601)."""

_YIQ = np.array([_GREY, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
"""From RGB to grey and two axes of colour, in which a turn changes the hue and not the grey."""

_RGB = np.linalg.inv(_YIQ)

Jitter = tuple[float, float, float]
"""The factors on contrast and saturation, and the turn of the hue in degrees."""


def jitters(augmentation: Augmentation) -> bool:
    """True if the augmentation changes contrast, saturation or hue."""
    return bool(augmentation.contrast_range or augmentation.saturation_range or augmentation.hue_range)


def draw_jitters(augmentation: Augmentation, *, seed: int, epoch: int, count: int) -> list[Jitter]:
    """The changes of images 0 to count - 1 in one epoch; image i's change does not depend on `count`."""
    uniform = generator(COLOUR, seed, epoch).random((count, 3)).T
    contrast = between(augmentation.contrast_range or (1, 1), uniform[0])
    saturation = between(augmentation.saturation_range or (1, 1), uniform[1])
    hue = (2 * uniform[2] - 1) * augmentation.hue_range
    return list(zip(contrast.tolist(), saturation.tolist(), hue.tolist(), strict=True))


def jitter(image: np.ndarray, change: Jitter) -> np.ndarray:
    """One image uint8 (height, width, 1 or 3), changed; a grey image has no saturation and no hue."""
    contrast, saturation, hue = change
    means = cv2.mean(image)
    if image.shape[2] == 1:
        matrix = np.array([[contrast, (1 - contrast) * means[0]]])
    else:
        offset = np.full((3, 1), (1 - contrast) * float(_GREY @ means[:3]))
        matrix = np.hstack([contrast * _colour_matrix(saturation, hue), offset])
    return cv2.transform(image, matrix).reshape(image.shape)


def _colour_matrix(saturation: float, hue: float) -> np.ndarray:
    cos, sin = saturation * math.cos(math.radians(hue)), saturation * math.sin(math.radians(hue))
    return _RGB @ np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]]) @ _YIQ
