"""Small images from files and remote storage, for pages that show images which may have moved."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from greycard.core.errors import GreycardError
from greycard.core.paths import is_remote
from greycard.datasets.images import UnreadableImageError
from greycard.datasets.remote_image import image_bytes
from greycard.pipeline.decode import decode


def file_thumbnail(path: str, side: int) -> np.ndarray | None:
    """A square image, uint8 (side, side, 3), padded with grey; None if there is no such file or it cannot be read.

    Args:
        path: of a file, or the address of an object; it may be empty.
        side: in pixels.
    """
    try:
        return decode(_source(path), (side, side), 3, "pad") if path else None
    except (UnreadableImageError, OSError, GreycardError):
        return None


def _source(path: str) -> Path | bytes:
    return image_bytes(path) if is_remote(path) else Path(path)
