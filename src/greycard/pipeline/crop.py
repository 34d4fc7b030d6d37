"""Random crop with padding: a shift by whole pixels, so that no pixel is interpolated."""

from __future__ import annotations

import cv2
import numpy as np

from greycard.core.randomness import CROP, generator

BORDERS = {
    "nearest": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT,
    "wrap": cv2.BORDER_WRAP,
    "constant": cv2.BORDER_CONSTANT,
}
"""OpenCV's name of each fill mode."""


def draw_crops(padding: int, *, seed: int, epoch: int, count: int) -> list[tuple[int, int]]:
    """The first row and column of each image's crop in the padded image, from 0 to 2·padding."""
    uniform = generator(CROP, seed, epoch).random((count, 2))
    return list(map(tuple, (uniform * (2 * padding + 1)).astype(int).tolist()))


def crop(image: np.ndarray, corner: tuple[int, int], padding: int, fill_mode: str) -> np.ndarray:
    """One image uint8 (height, width, channels), padded on each side and cut at the corner (row, column)."""
    (row, column), (height, width) = corner, image.shape[:2]
    padded = cv2.copyMakeBorder(image, padding, padding, padding, padding, BORDERS[fill_mode])
    return padded[row : row + height, column : column + width].reshape(image.shape)
