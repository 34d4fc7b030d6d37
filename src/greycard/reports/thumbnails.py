"""Small images from files, for pages that show images which may have moved."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from greycard.datasets.images import UnreadableImageError
from greycard.pipeline.decode import decode


def file_thumbnail(path: str, side: int) -> np.ndarray | None:
    """A square image, uint8 (side, side, 3), padded with grey; None if there is no such file or it cannot be read."""
    try:
        return decode(Path(path), (side, side), 3, "pad") if path else None
    except (UnreadableImageError, OSError):
        return None
