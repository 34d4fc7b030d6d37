"""Small versions of images for the page, made when they are first asked for, and kept."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageOps

from greycard.core.atomic_files import atomic_path
from greycard.datasets.images import opened
from greycard.studio.images.identity import identity

SMALL, LARGE = 192, 1280
"""The longer side in pixels: 192 is sharp at 96 px on a screen with two pixels for each."""

_QUALITY = 80


class Thumbnails:
    """JPEG files of smaller images in one folder, named after the file's identity, which moving it does not change.

    Args:
        folder: where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, file: Path) -> bytes:
        """An image's thumbnail as JPEG, at most `SMALL` pixels high and wide.

        Raises:
            UnreadableImageError: the file is not an image.
        """
        kept = self._folder / f"{identity(file)}.jpg"
        if not kept.is_file():
            self._folder.mkdir(parents=True, exist_ok=True)
            with atomic_path(kept) as draft:
                draft.write_bytes(smaller(file, SMALL))
        return kept.read_bytes()


def smaller(file: Path, side: int) -> bytes:
    """An image as JPEG, upright, with at most this many pixels in height and width.

    Raises:
        UnreadableImageError: the file is not an image.
    """
    with opened(file) as image:
        image.draft("RGB", (2 * side, 2 * side))  # a JPEG is decoded at an eighth of its size or more
        upright = ImageOps.exif_transpose(image).convert("RGB")
        upright.thumbnail((side, side), Image.Resampling.BILINEAR)
        content = io.BytesIO()
        upright.save(content, "JPEG", quality=_QUALITY)
    return content.getvalue()
