"""Identify a file by its first bytes if Pillow cannot: formats that need an extra, and files that are not images."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import PurePath

HEIC_EXTRA = 'pip install "greycard[heic]"'
"""The command that installs HEIC support."""

UNKNOWN, EMPTY = "not an image in a known format", "the file is empty"
"""Reason for leaving out a file that is not a known format."""

HEAD_BYTES = 64
"""How many of a file's first bytes `name_of` needs."""

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_JPEG_XL = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
_NO_IMAGE = ", not an image"
_BEGINNINGS = {
    b"%PDF": "a PDF document",
    b"<svg": "an SVG drawing",
    b"<?xml": "an XML file or SVG drawing",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b"PK\x03\x04": "a zip archive",
}
_IMAGE_ENDING = re.compile(
    r"\.(apng|avifs?|bmp|dds|dib|gif|hei[cf]s?|hif|icns|ico|j2k|jfif|jp[2efx]|jpe?g|jxl|mpo|p[bgpn]m|pcx|png|psd|qoi|sgi"
    r"|tga|tiff?|webp|xbm|arw|cr[23]|dng|nef|orf|raf|rw2)",  # the last ones are raw files of cameras
    re.IGNORECASE,
)


def is_heic(head: bytes) -> bool:
    """Whether a file with these first bytes is HEIC or HEIF, the format of iPhone photographs."""
    return _brand(head) in _HEIC_BRANDS and not _is_avif(head)


def can_read_heic() -> bool:
    return find_spec("pi_heif") is not None


def is_no_image(reason: str) -> bool:
    """Whether the reason says that the file is not an image (and not that it is damaged)."""
    return reason in (UNKNOWN, EMPTY) or reason.endswith(_NO_IMAGE)


def name_of(head: bytes) -> str | None:
    """Describe a file that Pillow cannot identify, with advice if there is any; None if unknown."""
    if is_heic(head):
        return "damaged HEIC" if can_read_heic() else f"HEIC; install support with {HEIC_EXTRA}"
    if _is_avif(head):
        return "AVIF that is damaged or that this Pillow cannot read"
    if head.startswith(_JPEG_XL):
        return "JPEG XL, which Pillow cannot read"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    found = next((name for begin, name in _BEGINNINGS.items() if start.startswith(begin.lower())), None)
    return found and f"{found}{_NO_IMAGE}"


def has_image_ending(path: PurePath) -> bool:
    """Whether a file has an image extension."""
    return _IMAGE_ENDING.fullmatch(path.suffix) is not None


def _brand(head: bytes) -> bytes:
    return head[8:12] if head[4:8] == b"ftyp" else b""


def _is_avif(head: bytes) -> bool:
    """AVIF files may list a general brand first and their own brand later."""
    size = int.from_bytes(head[:4], "big")
    brands = {head[at : at + 4] for at in range(16, min(size, len(head)), 4)} | {_brand(head)}
    return head[4:8] == b"ftyp" and any(brand in brands for brand in _AVIF_BRANDS)
