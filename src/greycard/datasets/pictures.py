"""Opening picture files: one error for whatever is wrong with one, and what a header tells without decoding."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

_ORIENTATION_TAG = 0x0112


class UnreadableImageError(Exception):
    """These bytes are no picture that Greycard can use; the message says why, in a few words."""


@contextmanager
def opened(source: bytes | Path | Image.Image) -> Iterator[Image.Image]:
    """The opened picture, not yet decoded; whatever Pillow raises inside the block becomes UnreadableImageError.

    Pillow itself refuses a picture whose header declares more than about 179 million pixels.
    """
    try:
        if isinstance(source, Path) and source.stat().st_size == 0:
            raise UnreadableImageError("the file is empty")
        if isinstance(source, Image.Image):
            yield source.copy()
        else:
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
                yield image
    except UnreadableImageError:
        raise
    except Image.UnidentifiedImageError as error:
        raise UnreadableImageError("not a picture in a known format") from error
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged bytes
        raise UnreadableImageError(_reason(error)) from error


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1, upright, where there is none or it is damaged."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # damaged EXIF says nothing about the pixels
        return 1


def probe(path: Path) -> tuple[int, int]:
    """(height, width) as shown upright, from the header alone; UnreadableImageError as `opened` raises it."""
    with opened(path) as image:
        width, height = image.size
        return (width, height) if orientation(image) >= 5 else (height, width)


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Keep Pillow's remarks about damaged metadata off the terminal; enter it outside of worker threads."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        yield


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    words = str(error).splitlines()
    return words[0].rstrip(".") if words else type(error).__name__
