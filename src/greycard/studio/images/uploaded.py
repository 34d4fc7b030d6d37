"""Uploaded images are decoded before they are accepted."""

from __future__ import annotations

from greycard.datasets.images import UnreadableImageError, opened
from greycard.deploy.serve.limits import RefusedError
from greycard.deploy.serve.uploads import ENDINGS, Upload, declared_pixels


def image_ending(upload: Upload, most: int) -> str:
    """The ending of an uploaded image's format.

    Args:
        upload: the file.
        most: the largest number of pixels.

    Raises:
        RefusedError: it is not a whole image of an accepted format and size.
    """
    declared_pixels([upload], most)
    return whole_ending(upload)


def whole_ending(upload: Upload) -> str:
    """The same for an image whose declared format and size are accepted."""
    try:
        with opened(upload.content) as image:
            image.load()
            return ENDINGS[str(image.format)]
    except UnreadableImageError as error:
        raise RefusedError(422, f"{upload.name} cannot be read: {error}") from error
