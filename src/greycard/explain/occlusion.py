"""An occlusion map: the loss of a class's probability if a part of the image is covered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_PATCHES = 8


def occlusion(predict: Callable[[np.ndarray], np.ndarray], image: np.ndarray, label: int) -> np.ndarray:
    """The loss of probability if a place is covered, float32 (height, width); negative if it rises.

    Args:
        predict: uint8 (b, height, width, channels) → probabilities (b, classes).
        image: uint8 (height, width, channels).
        label: the class.

    A grey patch of a quarter of the image's side moves to eight positions along each axis. Source: Zeiler and Fergus,
    "Visualizing and understanding convolutional networks" (2014).
    """
    height, width = image.shape[:2]
    tops, lefts = (np.linspace(0, side - side // 4, _PATCHES).astype(int) for side in (height, width))
    places = [(slice(top, top + height // 4), slice(left, left + width // 4)) for top in tops for left in lefts]
    covered = np.repeat(image[None], len(places) + 1, axis=0)
    for row, place in enumerate(places):
        covered[row][place] = 128
    probabilities = predict(covered)[:, label]
    lost, times = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for row, place in enumerate(places):
        lost[place] += probabilities[-1] - probabilities[row]
        times[place] += 1
    return lost / np.maximum(times, 1)
