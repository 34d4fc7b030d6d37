"""Pictures inside a page, as addresses that hold their content."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image


def png_url(content: bytes) -> str:
    """A PNG file's content as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def picture_url(picture: np.ndarray) -> str:
    """A picture uint8 (height, width, channels) as the data URL of a PNG file."""
    buffer = io.BytesIO()
    flat = picture[:, :, 0] if picture.shape[2] == 1 else picture
    Image.fromarray(flat).save(buffer, "PNG", optimize=True)
    return png_url(buffer.getvalue())
