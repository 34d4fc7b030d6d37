"""Cutout: cover a square of each image, so that the model cannot rely on one place.

Source: DeVries and Taylor, "Improved regularization of convolutional neural networks with cutout" (2017). The square's
centre is anywhere in the image, so part of the square can lie outside.
"""

from __future__ import annotations

import cv2
import numpy as np

from greycard.core.randomness import CUTOUT, generator


def draw_centres(*, seed: int, epoch: int, count: int, size: tuple[int, int]) -> list[tuple[int, int]]:
    """The row and column of the centre of each image's square; size is (height, width)."""
    uniform = generator(CUTOUT, seed, epoch).random((count, 2))
    return list(map(tuple, (uniform * size).astype(int).tolist()))


def cut_out(image: np.ndarray, centre: tuple[int, int], share: float) -> np.ndarray:
    """Cover a square with the image's mean colour, in place; returns the image.

    Args:
        image: uint8 (height, width, channels).
        centre: (row, column) of the square's centre.
        share: the square's side as a share of the image's shorter side.
    """
    side = max(1, round(share * min(image.shape[:2])))
    top, left = centre[0] - side // 2, centre[1] - side // 2
    mean = [round(value) for value in cv2.mean(image)[: image.shape[2]]]
    image[max(top, 0) : top + side, max(left, 0) : left + side] = mean
    return image
