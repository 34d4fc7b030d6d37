"""Decode image files to pixels: the only decoder, with one documented policy (docs/folders.md).

It takes the first frame of an animation or the first page of a TIFF, applies the EXIF orientation, converts palettes,
CMYK and other colour spaces, puts transparent images on white, and divides 16-bit values by 257. It stretches, crops or
pads the image to the size with a triangle filter; JPEGs are first reduced to the next larger DCT scale. Damaged EXIF
counts as no EXIF.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from greycard.datasets.images import UnreadableImageError, opened, orientation

POLICY = 2
"""The version of the decoding policy. Increase it with every change that can change a pixel: it is part of the cache
key of decoded pixels (cache.py), so that pixels of an older policy are never used."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(
    source: bytes | Path | Image.Image, size: tuple[int, int], channels: int, resize: str = "stretch"
) -> np.ndarray:
    """One image as uint8 of shape (height, width, channels).

    Args:
        source: the file's bytes or path, or an image Pillow has opened.
        size: (height, width) in pixels.
        channels: 1 for grey, 3 for RGB.
        resize: how an image of another shape becomes this size: `stretch`, `crop` or `pad`, as `data.resize`.

    Raises:
        UnreadableImageError: empty, truncated, of no known format, or larger than Pillow's bomb limit.
    """
    height, width = size
    mode = "L" if channels == 1 else "RGB"
    with opened(source) as image:
        if image.format in ("JPEG", "MPO"):  # with other formats it may return an embedded thumbnail
            image.draft(mode, (max(size), max(size)))
        image.load()
        turned = _UPRIGHT.get(orientation(image))
        upright = image if turned is None else image.transpose(turned)
        converted = _in_mode(upright, mode)
        if converted.size != (width, height):
            converted = _RESIZES[resize](converted, (width, height))
        return np.array(converted, dtype=np.uint8).reshape(height, width, channels)


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    if image.mode.startswith("I"):
        image = _from_16_bit(image)
    if image.mode == "F":
        raise UnreadableImageError("floating-point pixels have no defined range")
    if image.has_transparency_data:
        image = _over_white(image.convert("RGBA"))
    return image if image.mode == mode else image.convert(mode)


def _from_16_bit(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise UnreadableImageError("32-bit pixels have no defined range")
    return Image.fromarray(np.rint(values / 257).astype(np.uint8), "L")


def _over_white(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def _stretched(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image.resize(size, Image.Resampling.BILINEAR)


def _cropped(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Cut off the same width on both sides, so that the rest has the shape of the size."""
    return ImageOps.fit(image, size, Image.Resampling.BILINEAR)


def _padded(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """`ImageOps.pad` with grey; it would fail for an image so narrow that it has less than half a pixel left."""
    width, height = size
    if image.width * height > image.height * width:
        inner = (width, max(1, round(image.height / image.width * width)))
    else:
        inner = (max(1, round(image.width / image.height * height)), height)
    canvas = Image.new(image.mode, size, "gray")
    canvas.paste(_stretched(image, inner), (round((width - inner[0]) / 2), round((height - inner[1]) / 2)))
    return canvas


_RESIZES: dict[str, Callable[[Image.Image, tuple[int, int]], Image.Image]] = {
    "stretch": _stretched,
    "crop": _cropped,
    "pad": _padded,
}
