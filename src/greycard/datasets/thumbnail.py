"""A smaller version of an image, as JPEG."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageOps

from greycard.datasets.images import opened

_QUALITY = 80


def smaller(source: bytes | Path | Image.Image, side: int) -> bytes:
    """An image as JPEG, upright, with at most this many pixels in height and width.

    Raises:
        UnreadableImageError: the source is not an image.
    """
    with opened(source) as image:
        image.draft("RGB", (2 * side, 2 * side))  # a JPEG is decoded at an eighth of its size or more
        upright = ImageOps.exif_transpose(image).convert("RGB")
        upright.thumbnail((side, side), Image.Resampling.BILINEAR)
        content = io.BytesIO()
        upright.save(content, "JPEG", quality=_QUALITY)
    return content.getvalue()
