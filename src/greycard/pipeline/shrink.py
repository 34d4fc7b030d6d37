"""Make images smaller for pages and files; small ones stay unchanged."""

from __future__ import annotations

import cv2
import numpy as np


def shrink(image: np.ndarray, side: int) -> np.ndarray:
    """An image whose longer side has at most `side` pixels, uint8 (height, width, channels)."""
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return np.asarray(image)
    smaller = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return smaller.reshape(*smaller.shape[:2], -1)
