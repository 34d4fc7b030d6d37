"""Random resized crop: cut a random window out of each image and enlarge it to the image's size.

Source: Szegedy et al., "Going deeper with convolutions" (2015). The affine warp enlarges it (warp.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from greycard.core.randomness import WINDOW, between, generator

_RATIO = 4 / 3
"""The largest ratio of the window's sides, each as a share of the image's side."""


@dataclass(frozen=True)
class Window:
    """A part of an image; all values are shares of the image's height or width."""

    left: float
    top: float
    width: float
    height: float

    def matrix(self, size: tuple[int, int]) -> np.ndarray:
        """The 3×3 matrix from coordinates (x, y, 1) in the enlarged window to those in the image."""
        rows, columns = size
        x = self.left * columns + (self.width - 1) / 2  # pixel centres are at halves
        y = self.top * rows + (self.height - 1) / 2
        return np.array([[self.width, 0, x], [0, self.height, y], [0, 0, 1]])


def draw_windows(scale: tuple[float, float] | None, *, seed: int, epoch: int, count: int) -> list[Window] | list[None]:
    """The windows of images 0 to count - 1 in one epoch; image i's window does not depend on `count`.

    Args:
        scale: low and high share of the image's area; None for no windows.
        seed: the run's seed.
        epoch: counted from 0.
        count: number of training images.
    """
    if scale is None:
        return [None] * count
    uniform = generator(WINDOW, seed, epoch).random((count, 4)).T
    area = between(scale, uniform[0])
    widest = np.log(np.minimum(_RATIO, 1 / area))  # a wider window would not fit
    ratio = np.exp(widest * (2 * uniform[1] - 1))
    width, height = np.minimum(np.sqrt(area * ratio), 1), np.minimum(np.sqrt(area / ratio), 1)
    left, top = uniform[2] * (1 - width), uniform[3] * (1 - height)
    return list(map(Window, left.tolist(), top.tolist(), width.tolist(), height.tolist()))
