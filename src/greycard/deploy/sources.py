"""The kinds of images that the Python API accepts: paths, bytes, open files, Pillow images, arrays."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from greycard.core.errors import GreycardError


class BinaryFile(Protocol):
    """A file opened for reading bytes, such as `open(…, "rb")`, `io.BytesIO` or an upload."""

    def read(self) -> bytes: ...


ImageLike = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryFile | Image.Image | np.ndarray
"""A path, a file's content, a file opened for reading bytes, a Pillow image, or a uint8 array (height, width[, 1, 3 or
4])."""

_TAKEN = (
    "a path, a file's bytes, a file opened with 'rb', a Pillow image, or a uint8 array of shape (height, width[, 3])"
)


def several(images: Any) -> Iterable[Any]:
    """Convert one image or an iterable of images to an iterable.

    Args:
        images: an image; an array (n, height, width, channels) or of paths; or anything to iterate over.

    Raises:
        GreycardError: a mapping, because its keys or its values could be meant.
    """
    if isinstance(images, Mapping):
        raise _not_taken(images)
    if _is_single(images):
        return [images]
    if hasattr(images, "__array__"):
        array = _as_array(images)
        if array.dtype.kind in "UO":  # names in an array, a column of a table
            return array.ravel().tolist()
        return array if array.ndim == 4 else [array]
    return images if isinstance(images, Iterable) else [images]


def source_of(image: Any) -> bytes | Path | Image.Image:
    """Convert an image to a form that the decoder accepts.

    Raises:
        GreycardError: not an image of a supported kind; the message lists them.
    """
    if isinstance(image, str | os.PathLike):
        return _path(image)
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if isinstance(image, Image.Image):
        return image
    if hasattr(image, "read"):
        return _content(image)
    if hasattr(image, "__array__"):
        return _image(_as_array(image))
    raise _not_taken(image)


def name_of(image: Any, otherwise: str) -> str:
    """The name of an image: its path, or the name of an open file; else the default."""
    if isinstance(image, str | os.PathLike):
        return os.fsdecode(image)
    name = getattr(image, "filename", None) or getattr(image, "name", None)
    return name if isinstance(name, str) and name else otherwise


def _is_single(image: Any) -> bool:
    plain = str | os.PathLike | bytes | bytearray | memoryview | Image.Image
    return isinstance(image, plain) or hasattr(image, "read")


def _path(image: str | os.PathLike[str]) -> Path:
    named = os.fsdecode(image)
    if named.startswith(("http://", "https://")):
        raise GreycardError(f"{named} is a URL; Greycard does not download images", hint="save it and pass its path")
    if not named:
        raise GreycardError("an image's path is empty", hint=f"pass {_TAKEN}")
    return Path(os.path.expanduser(named))


def _content(file: Any) -> bytes:
    """Read an open file completely. It seeks to the start if it can: after writing, the position is at the end."""
    if getattr(file, "closed", False):
        raise GreycardError("the image file is already closed", hint="pass an open file, or its path")
    if getattr(file, "seekable", lambda: False)():
        file.seek(0)
    content = file.read()
    if not isinstance(content, bytes):
        raise GreycardError(
            f"an image file must return bytes. Received: {type(content).__name__}", hint="open it with mode 'rb'"
        )
    return content


def _as_array(image: Any) -> np.ndarray:
    try:
        return np.asarray(image)
    except Exception as error:  # a tensor on a GPU or with a gradient, for example
        raise GreycardError(
            f"a {type(image).__name__} cannot be read as an array: {error}", hint="convert it to a NumPy array first"
        ) from error


def _image(array: np.ndarray) -> Image.Image:
    shape = array.shape
    if array.dtype != np.uint8:
        raise GreycardError(
            f"an array must be uint8 of shape (height, width[, channels]). Received: {array.dtype} {shape}",
            hint="pixels must be 0 to 255; if yours are 0 to 1, use `(pixels * 255).astype('uint8')`",
        )
    if 0 in shape or not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))):
        raise GreycardError(
            f"an array must have the shape (height, width), or (height, width, channels) with 1, 3 or 4 channels."
            f" Received: {shape}",
            hint=_shape_hint(shape),
        )
    return Image.fromarray(array[:, :, 0] if shape[2:] == (1,) else array)


def _shape_hint(shape: tuple[int, ...]) -> str:
    if len(shape) == 3 and shape[0] in (1, 3, 4):
        return "channels come last: np.moveaxis(pixels, 0, -1)"
    if len(shape) == 3:
        return "several grey images have the shape (n, height, width, 1): pixels[..., None]"
    return "several images are a list, or one array of shape (n, height, width, channels)"


def _not_taken(image: object) -> GreycardError:
    return GreycardError(
        f"a {type(image).__name__} is not an image; expected {_TAKEN}", hint="pass one, or a list of these"
    )
