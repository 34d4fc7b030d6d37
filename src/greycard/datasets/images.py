"""Open image files: one error type for every problem, and header facts without decoding."""

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
"""Formats that Pillow identifies but cannot decode."""

_PIPE_BYTES = 1 << 30


class UnreadableImageError(Exception):
    """The bytes are not an image that Greycard can use; the message gives a short reason."""


@contextmanager
def opened(source: bytes | Path | Image.Image) -> Iterator[Image.Image]:
    """The opened image, not yet decoded; every exception of Pillow inside the block becomes UnreadableImageError.

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
    except Exception as error:  # Pillow's decoders can raise almost any exception on damaged bytes
        raise UnreadableImageError(_reason(error)) from error


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) if it is missing or invalid, such as 0 or 9.

    Call it after `load()` to rotate the pixels: Pillow rotates a TIFF itself on loading, and removes the tag. Only the
    header is read: the method of `PngImageFile` would decode the whole image to search after its pixels.
    """
    try:
        value = Image.Image.getexif(image).get(_ORIENTATION_TAG)
        return next((number for number in _TURNED if value == number), 1)
    except Exception:  # the pixels can be intact although the EXIF data is damaged
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
    """Use the plugin class directly: registering it would change Pillow for the whole process."""
    from pi_heif import HeifImageFile

    try:
        return HeifImageFile(place)
    except SyntaxError as error:
        raise UnreadableImageError(f"damaged HEIC: {error}") from error


def _file_or_pipe(path: Path) -> Path | io.BytesIO:
    """Return a regular file unchanged; read a pipe to its end, because it has no size and can be read only once."""
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
    if words and words[0].startswith("decoder error"):  # followed by an internal error number of Pillow
        return "its pixels are damaged"
    return words[0].rstrip(".") if words else type(error).__name__


class _Quiet:
    """Turn Pillow's warnings off while any thread is inside.

    `catch_warnings` is not thread-safe: the first thread to leave could turn them on for the others, or leave them off.
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
    """Hide Pillow's warnings about damaged metadata; `opened` also does this, for one image."""
    return _QUIET


@cache
def _quiet_libraries() -> None:
    """Silence libtiff, which writes to stderr, and Pillow's log, which goes there if logging is not configured."""
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    libraries = ctypes.CDLL(Image.core.__file__)  # also finds the symbols of its linked libraries
    for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        with suppress(AttributeError):  # linked statically, or built without libtiff
            setter = getattr(libraries, name)
            setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
            setter(None)
