"""Read QR codes, as a phone does. OpenCV does not find each code in each size, so both of its readers try several."""

from __future__ import annotations

import cv2
import numpy as np

_SCALES = (1.0, 2.0, 1.5, 0.75, 3.0, 0.5)


def read_qr(pixels: np.ndarray) -> str:
    """The text of the code in an image, uint8 (height, width) or (height, width, 3); empty if there is none."""
    readers = (cv2.QRCodeDetector(), cv2.QRCodeDetectorAruco())
    found = (reader.detectAndDecode(_resized(pixels, scale))[0] for scale in _SCALES for reader in readers)
    return next(filter(None, found), "")


def _resized(pixels: np.ndarray, scale: float) -> np.ndarray:
    return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
