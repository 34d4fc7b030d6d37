"""Read QR codes, as a phone does. OpenCV does not find each code in each size, so several are tried."""

from __future__ import annotations

import cv2
import numpy as np


def read_qr(pixels: np.ndarray) -> str:
    """The text of the code in an image, uint8 (height, width) or (height, width, 3); empty if there is none."""
    for scale in (1.0, 2.0, 1.5, 0.75, 3.0, 0.5):
        sized = cv2.resize(
            pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        )
        found = cv2.QRCodeDetector().detectAndDecode(sized)[0]
        if found:
            return str(found)
    return ""
