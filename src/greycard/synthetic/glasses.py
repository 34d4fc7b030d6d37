"""Render glasses that are filled to a known level: a sample for learning a number from an image."""

from __future__ import annotations

import cv2
import numpy as np

_OVERSAMPLING = 4  # shapes are drawn this many times larger, then averaged down


def render_glass(*, seed: int, index: int, size: int = 64) -> tuple[np.ndarray, float]:
    """One image, uint8 (size, size, 3), and how full the glass is, in percent of its height.

    A pure function of its arguments; the images of one seed differ by `index`. The level does not depend on the place,
    the size and the colours.
    """
    rng = np.random.Generator(np.random.Philox(key=np.array([seed, index], dtype=np.uint64)))
    level = float(rng.uniform(0, 100))
    side = size * _OVERSAMPLING
    scene = _wall(rng, side)
    height, width = side * rng.uniform(0.4, 0.75), side * rng.uniform(0.2, 0.4)
    middle = side / 2 + rng.uniform(-1, 1) * (side - width) / 3
    top = (side - height) * rng.uniform(0.2, 0.8)
    narrow = rng.uniform(0.7, 1.0)  # the width of the bottom, relative to the top
    surface = top + height * (1 - level / 100)

    def outline(begin: float) -> np.ndarray:
        """The part of the glass from a height down, as corners (4, 2)."""
        bottom = top + height
        halves = [width / 2 * (1 - (1 - narrow) * (y - top) / height) for y in (begin, bottom)]
        corners = [(-halves[0], begin), (halves[0], begin), (halves[1], bottom), (-halves[1], bottom)]
        return np.array([[middle + x, y] for x, y in corners], np.float32).round().astype(np.int32)

    liquid, empty = scene.copy(), scene.copy()
    cv2.fillPoly(empty, [outline(top)], (235.0, 240.0, 245.0))
    scene = cv2.addWeighted(scene, 0.6, empty, 0.4, 0)
    cv2.fillPoly(liquid, [outline(surface)], tuple(rng.uniform(20, 230, 3)))
    scene = cv2.addWeighted(scene, 0.25, liquid, 0.75, 0) if level else scene
    cv2.polylines(scene, [outline(top)], True, (60.0, 60.0, 60.0), _OVERSAMPLING)
    small = cv2.resize(scene, (size, size), interpolation=cv2.INTER_AREA)
    noisy = small * rng.uniform(0.75, 1.1) + rng.normal(0, 4, small.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8), level


def _wall(rng: np.random.Generator, side: int) -> np.ndarray:
    """A wall and a table in two colours, float32 (side, side, 3)."""
    scene = np.empty((side, side, 3), np.float32)
    edge = int(side * rng.uniform(0.6, 0.9))
    scene[:edge], scene[edge:] = rng.uniform(40, 220, (2, 3))
    return cv2.GaussianBlur(scene, (0, 0), side / 40) * np.linspace(0.85, 1.1, side, dtype=np.float32)[:, None]
