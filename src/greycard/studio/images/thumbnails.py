"""Small versions of images for the page, made when they are first asked for, and kept."""

from __future__ import annotations

from pathlib import Path

from greycard.core.atomic_files import atomic_path
from greycard.datasets.thumbnail import smaller
from greycard.studio.images.identity import identity

SMALL, LARGE = 192, 1280
"""The longer side in pixels: 192 is sharp at 96 px on a screen with two pixels for each."""


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
