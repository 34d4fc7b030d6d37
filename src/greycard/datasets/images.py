"""Opening image files: one error for whatever is wrong with one, and what a header tells without decoding."""

from __future__ import annotations

import ctypes
import io
import logging
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Lock

from PIL import Image

from greycard.datasets.formats import EMPTY, HEAD_BYTES, UNKNOWN, can_read_heic, is_heic, name_of

_ORIENTATION_TAG = 0x0112
_TURNED = range(2, 9)
_STUBS = ("BUFR", "GRIB", "HDF5", "MPEG")
"""What Pillow knows by name and cannot decode."""

_PIPE_BYTES = 1 << 30


class UnreadableImageError(Exception):
    """These bytes are no image that Greycard can use; the message says why, in a few words."""


@contextmanager
def opened(source: bytes | Path | Image.Image) -> Iterator[Image.Image]:
    """The opened image, not yet decoded; whatever Pillow raises inside the block becomes UnreadableImageError.

    Pillow itself refuses an image whose header declares more than about 179 million pixels. A pipe is read to its end.
    """
    try:
        with quiet_pillow():
            if isinstance(source, Image.Image):
                yield source.copy()
            else:
                with _open(source) as image:
                    yield image
    except UnreadableImageError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged bytes
        raise UnreadableImageError(_reason(error)) from error


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1, upright, where there is none, or a value without a meaning such as 0 or 9.

    Call it after `load()` to turn the pixels: Pillow turns a TIFF itself as it loads it, and removes the tag. Only the
    header is read: the method of `PngImageFile` would decode the whole image to look behind its pixels.
    """
    try:
        value = Image.Image.getexif(image).get(_ORIENTATION_TAG)
        return next((number for number in _TURNED if value == number), 1)
    except Exception:  # damaged EXIF says nothing about the pixels
        return 1


def _open(source: bytes | Path) -> Image.Image:
    place = io.BytesIO(source) if isinstance(source, bytes) else _file_or_pipe(source)
    head = _head(place)
    if not head:
        raise UnreadableImageError(EMPTY)
    try:
        image = Image.open(place)
    except Image.UnidentifiedImageError as error:
        if is_heic(head) and can_read_heic():
            return _open_heic(place)
        raise UnreadableImageError(name_of(head) or UNKNOWN) from error
    if image.format in _STUBS:
        image.close()
        raise UnreadableImageError(UNKNOWN)
    return image


def _open_heic(place: Path | io.BytesIO) -> Image.Image:
    """By the class itself: registering it with Pillow would change Pillow for the whole process."""
    from pi_heif import HeifImageFile

    try:
        return HeifImageFile(place)
    except SyntaxError as error:
        raise UnreadableImageError(f"damaged HEIC: {error}") from error


def _file_or_pipe(path: Path) -> Path | io.BytesIO:
    """A file as it is; of a pipe, which has no size and can be read once, all that comes through."""
    mode = path.stat().st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return path
    if not stat.S_ISFIFO(mode):
        raise UnreadableImageError("a device or socket, not a file")
    with path.open("rb") as stream:
        content = stream.read(_PIPE_BYTES + 1)
    if len(content) > _PIPE_BYTES:
        raise UnreadableImageError("more than 1 GiB through a pipe")
    return io.BytesIO(content)


def _head(place: Path | io.BytesIO) -> bytes:
    if isinstance(place, io.BytesIO):
        return place.getbuffer()[:HEAD_BYTES].tobytes()
    with place.open("rb") as stream:
        return stream.read(HEAD_BYTES)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    words = str(error).splitlines()
    if words and words[0].startswith("decoder error"):  # and a number that only Pillow's authors know
        return "its pixels are damaged"
    return words[0].rstrip(".") if words else type(error).__name__


class _Quiet:
    """Pillow's warnings are off while any thread is inside.

    `catch_warnings` alone is not for threads: the first to leave would turn them on for the others, or leave them off.
    """

    def __init__(self) -> None:
        self._lock, self._inside = Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                _quiet_libraries()
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\b|pi_heif\b")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._caught.__exit__(None, None, None)


_QUIET = _Quiet()


def quiet_pillow() -> _Quiet:
    """Keep Pillow's remarks about damaged metadata off the terminal; `opened` does it too, for one image."""
    return _QUIET


@cache
def _quiet_libraries() -> None:
    """libtiff writes to the process's stderr, and Pillow's log goes there where nobody has set logging up."""
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    libraries = ctypes.CDLL(Image.core.__file__)  # symbols of the libraries it is linked to are found too
    for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        with suppress(AttributeError):  # linked statically, or built without libtiff
            setter = getattr(libraries, name)
            setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
            setter(None)
