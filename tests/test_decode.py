"""One function decodes, by the policy stated in docs/folders.md."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from greycard.datasets.pictures import UnreadableImageError, probe, quiet_pillow
from greycard.pipeline.decode import decode

RED = (220, 30, 40)


def _bytes(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _red(mode: str = "RGB") -> Image.Image:
    return Image.new("RGB", (24, 16), RED).convert(mode)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_format_whatever_the_ending(form: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.with-a-wrong-ending"
    path.write_bytes(_bytes(_red(), form, **({"quality": 95} if form in ("JPEG", "WEBP") else {})))
    pixels = decode(path, (8, 12), 3)
    assert (pixels.shape, pixels.dtype) == ((8, 12, 3), np.uint8)
    assert np.abs(pixels.astype(int) - RED).max() < 12
    assert probe(path) == (16, 24)


@pytest.mark.parametrize("mode", ["P", "L", "LA", "RGBA", "1", "CMYK", "I;16", "YCbCr", "HSV"])
def test_every_mode_becomes_rgb_or_grey(mode: str) -> None:
    source = Image.new("I;16", (24, 16), 30_000) if mode == "I;16" else _red(mode)
    data = source if mode == "HSV" else _bytes(source, "TIFF")
    for channels in (1, 3):
        assert decode(data, (16, 24), channels).shape == (16, 24, channels)


def test_cmyk_is_converted_not_inverted() -> None:
    pixels = decode(_bytes(_red("CMYK"), "JPEG", quality=95), (16, 24), 3)
    assert np.abs(pixels.astype(int) - RED).max() < 12


def test_sixteen_bits_are_divided_by_257() -> None:
    values = np.array([[0, 257, 32_896, 65_535]], dtype=np.uint16)
    assert decode(_bytes(Image.fromarray(values), "PNG"), (1, 4), 1)[:, :, 0].tolist() == [[0, 1, 128, 255]]


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF"])
def test_transparency_is_laid_over_white(form: str) -> None:
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    assert decode(_bytes(clear, form), (8, 8), 3).min() == 255


def test_a_transparent_palette_is_laid_over_white() -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    assert decode(_bytes(image, "PNG", transparency=0), (8, 8), 3).min() == 255


def test_the_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, (0, 0, 255))]
    data = _bytes(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.abs(decode(data, (8, 8), 3).astype(int) - RED).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(orientation: int) -> None:
    """A picture whose top left corner is red when upright, stored turned; 6, for one, is stored lying on its side."""
    stored_of = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    upright = np.zeros((16, 32, 3), dtype=np.uint8)
    upright[:8, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(stored_of[orientation](upright)))
    pixels = decode(_bytes(stored, "PNG", exif=exif), (16, 32), 3)
    assert np.array_equal(pixels, upright)


def test_damaged_exif_is_no_exif(tmp_path: Path) -> None:
    path = tmp_path / "damaged.jpg"
    path.write_bytes(_bytes(_red(), "JPEG", quality=95, exif=b"Exif\0\0II*\0\xff\xff\xff\xff\x07\0broken"))
    with quiet_pillow():
        assert decode(path, (16, 24), 3).shape == (16, 24, 3)
        assert probe(path) == (16, 24)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"just some words", "not a picture"),
        (_bytes(_red(), "PNG")[:60], "truncated|broken"),
        (_bytes(Image.effect_noise((400, 400), 60), "JPEG")[:2000], "truncated"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
    ],
)
def test_what_is_no_picture_says_why(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "file.jpg"
    path.write_bytes(content)
    with pytest.raises(UnreadableImageError, match=reason):
        decode(path, (8, 8), 3)


def test_a_bomb_is_refused_by_its_header() -> None:
    header = _bytes(Image.new("1", (1, 1)), "PNG")
    size = (30_000).to_bytes(4, "big") * 2
    ihdr = b"IHDR" + size + header[24:29]
    import zlib

    bomb = header[:12] + ihdr + zlib.crc32(ihdr).to_bytes(4, "big") + header[33:]
    with pytest.raises(UnreadableImageError, match="pixels"):
        decode(bomb, (8, 8), 3)


@given(st.binary(max_size=400), st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"]), st.integers(0, 300))
def test_damaged_bytes_never_raise_anything_else(noise: bytes, form: str, at: int) -> None:
    whole = _bytes(_red(), form)
    data = whole[:at] + noise + whole[at + len(noise) :]
    with quiet_pillow(), contextlib.suppress(UnreadableImageError):
        assert decode(data, (8, 8), 3).shape == (8, 8, 3)
