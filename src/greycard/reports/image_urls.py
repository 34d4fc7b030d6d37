"""Images inside a page, as data URLs."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image


def png_url(content: bytes) -> str:
    """A PNG file's content as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def image_url(image: np.ndarray) -> str:
    """An image uint8 (height, width, channels) as the data URL of a PNG file."""
    buffer = io.BytesIO()
    flat = image[:, :, 0] if image.shape[2] == 1 else image
    Image.fromarray(flat).save(buffer, "PNG", optimize=True)
    return png_url(buffer.getvalue())


def jpeg_url(image: np.ndarray) -> str:
    """As `image_url`, but a JPEG file of a fifth of the bytes: for many small images on one page."""
    buffer = io.BytesIO()
    flat = image[:, :, 0] if image.shape[2] == 1 else image
    Image.fromarray(flat).save(buffer, "JPEG", quality=75, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
