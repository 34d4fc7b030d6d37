"""TrivialAugment: one random operation of random strength on each image.

Source: Müller and Hutter, "TrivialAugment: tuning-free yet state-of-the-art data augmentation" (2021), with the
operations and strengths of their RA space. Its shifts of up to 10 of 32 pixels are shares of the side here.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from greycard.core.randomness import TRIVIAL, generator
from greycard.pipeline.colour import jitter
from greycard.pipeline.warp import brightness_table, resample

_LEVELS = 31
"""Strengths: 0 to 30 thirtieths of the strongest."""

Operation = tuple[int, float]
"""The number of an operation in `OPERATIONS`, and its strength from -1 to 1; not all have two directions."""


def draw_operations(*, seed: int, epoch: int, count: int) -> list[Operation]:
    """The operations of images 0 to count - 1 in one epoch; image i's operation does not depend on `count`."""
    uniform = generator(TRIVIAL, seed, epoch).random((count, 3)).T
    kinds = (uniform[0] * len(OPERATIONS)).astype(int)
    strengths = np.floor(uniform[1] * _LEVELS) / (_LEVELS - 1) * np.where(uniform[2] < 0.5, -1, 1)
    return list(zip(kinds.tolist(), strengths.tolist(), strict=True))


def apply_operation(image: np.ndarray, operation: Operation, fill_mode: str) -> np.ndarray:
    """One image uint8 (height, width, 1 or 3), changed by one operation; the same shape and dtype."""
    kind, strength = operation
    name = OPERATIONS[kind]
    if name in _MOVES:
        return resample(image, _about_centre(_MOVES[name](strength), image.shape[:2]), fill_mode)
    return _COLOURS[name](image, strength).reshape(image.shape)


def _about_centre(move: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A 2×3 matrix about the image's centre, from one about the corner; its shifts are shares of the sides."""
    height, width = size
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = move[:, 2] * (width, height) + middle - move[:, :2] @ middle
    return np.column_stack([move[:, :2], shift])


def _rotation(strength: float) -> np.ndarray:
    cos, sin = math.cos(math.radians(30 * strength)), math.sin(math.radians(30 * strength))
    return np.array([[cos, -sin, 0], [sin, cos, 0]])


def _autocontrast(image: np.ndarray) -> np.ndarray:
    """Stretch each channel to 0 to 255; a channel with one value stays."""
    pixels = image.reshape(-1, image.shape[2])
    low, high = (cv2.reduce(pixels, 0, kind)[0].astype(float) for kind in (cv2.REDUCE_MIN, cv2.REDUCE_MAX))
    scale = np.where(high > low, 255 / np.maximum(high - low, 1), 1)
    return cv2.transform(image, np.column_stack([np.diag(scale), np.where(high > low, -low * scale, 0)]))


def _equalize(image: np.ndarray) -> np.ndarray:
    """Spread each channel's values evenly over 0 to 255."""
    return np.dstack([cv2.equalizeHist(np.ascontiguousarray(channel)) for channel in np.moveaxis(image, 2, 0)])


def _sharpness(image: np.ndarray, factor: float) -> np.ndarray:
    """The factor applies to the difference of the image from itself smoothed."""
    return cv2.filter2D(image, -1, factor * _UNCHANGED + (1 - factor) * _SMOOTH, borderType=cv2.BORDER_REPLICATE)


def _solarize(image: np.ndarray, threshold: int) -> np.ndarray:
    """Invert the values from the threshold on."""
    return cv2.LUT(image, np.concatenate([_VALUES[:threshold], 255 - _VALUES[threshold:]]))


def _posterize(image: np.ndarray, bits: int) -> np.ndarray:
    """Keep the highest bits of each value."""
    return image & np.uint8(256 - (1 << (8 - bits)))


def _factor(strength: float) -> float:
    return 1 + 0.9 * strength


_VALUES = np.arange(256, dtype=np.uint8)
_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13
_UNCHANGED = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]])

_MOVES: dict[str, Callable[[float], np.ndarray]] = {
    "rotate": _rotation,
    "shear_x": lambda strength: np.array([[1, 0.3 * strength, 0], [0, 1, 0]]),
    "shear_y": lambda strength: np.array([[1, 0, 0], [0.3 * strength, 1, 0]]),
    "translate_x": lambda strength: np.array([[1, 0, 10 / 32 * strength], [0, 1, 0]]),
    "translate_y": lambda strength: np.array([[1, 0, 0], [0, 1, 10 / 32 * strength]]),
}
_COLOURS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "identity": lambda image, _: image,
    "autocontrast": lambda image, _: _autocontrast(image),
    "equalize": lambda image, _: _equalize(image),
    "sharpness": lambda image, strength: _sharpness(image, _factor(strength)),
    "solarize": lambda image, strength: _solarize(image, round(256 * (1 - abs(strength)))),
    "posterize": lambda image, strength: _posterize(image, 8 - round(4 * abs(strength))),
    "brightness": lambda image, strength: cv2.LUT(image, brightness_table(_factor(strength))),
    "contrast": lambda image, strength: jitter(image, (_factor(strength), 1, 0)),
    "color": lambda image, strength: jitter(image, (1, _factor(strength), 0)),
}
OPERATIONS = (*_MOVES, *_COLOURS)
"""The names of the operations, each as likely as the others."""
