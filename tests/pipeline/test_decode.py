"""One function decodes, by the policy stated in docs/folders.md."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile, features

from greycard.datasets.file_facts import file_facts
from greycard.datasets.images import UnreadableImageError, opened, quiet_pillow
from greycard.datasets.images import orientation as orientation_of
from greycard.pipeline.decode import decode
from greycard.recipe.data import RESIZES

RED = (220, 30, 40)


def _bytes(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _red(mode: str = "RGB") -> Image.Image:
    return Image.new("RGB", (24, 16), RED).convert(mode)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_format_whatever_the_ending(form: str, tmp_path: Path) -> None:
    path = tmp_path / "image.with-a-wrong-ending"
    path.write_bytes(_bytes(_red(), form, **({"quality": 95} if form in ("JPEG", "WEBP") else {})))
    pixels = decode(path, (8, 12), 3)
    assert (pixels.shape, pixels.dtype) == ((8, 12, 3), np.uint8)
    assert np.abs(pixels.astype(int) - RED).max() < 12
    assert file_facts(path).size == (16, 24)


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
    """An image whose top left corner is red when upright, stored turned; 6, for one, is stored lying on its side."""
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
        assert file_facts(path).size == (16, 24)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"just some words", "not an image"),
        (_bytes(_red(), "PNG")[:60], "truncated|broken"),
        (_bytes(Image.effect_noise((400, 400), 60), "JPEG")[:2000], "truncated"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
    ],
)
def test_what_is_no_image_says_why(content: bytes, reason: str, tmp_path: Path) -> None:
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


def _bands() -> Image.Image:
    """60 by 20 pixels: a red, a green and a blue square."""
    pixels = np.zeros((20, 60, 3), dtype=np.uint8)
    for number in range(3):
        pixels[:, 20 * number : 20 * number + 20, number] = 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize("upright", [True, False])
def test_an_image_of_another_shape_is_stretched_cropped_or_padded(upright: bool) -> None:
    image = _bands() if upright else _bands().transpose(Image.Transpose.TRANSPOSE)
    found = {resize: decode(_bytes(image, "PNG"), (30, 30), 3, resize) for resize in ("stretch", "crop", "pad")}
    if not upright:
        found = {resize: pixels.transpose(1, 0, 2) for resize, pixels in found.items()}
    assert (found["crop"][:, 2:-2] == (0, 255, 0)).all()
    assert (found["stretch"][:, [4, 15, 25]] == np.eye(3) * 255).all()
    assert (found["pad"][:10] == 128).all()
    assert (found["pad"][20:] == 128).all()
    assert (found["pad"][10:20, [4, 15, 25]] == np.eye(3) * 255).all()


def test_stretching_is_the_default() -> None:
    wanted = np.asarray(_corner().resize((20, 30), Image.Resampling.BILINEAR))
    assert np.array_equal(decode(_corner(), (30, 20), 3), wanted)
    assert np.array_equal(decode(_corner(), (30, 20), 3, "stretch"), wanted)


@pytest.mark.parametrize("resize", RESIZES)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3]))
def test_every_shape_becomes_the_size(
    resize: str, width: int, height: int, rows: int, columns: int, channels: int
) -> None:
    white = Image.new("RGB", (width, height), "white")
    pixels = decode(white, (rows, columns), channels, resize)
    assert (pixels.shape, pixels.dtype) == ((rows, columns, channels), np.uint8)
    assert pixels.max() == 255
    assert resize == "pad" or pixels.min() == 255
    if (height, width) == (rows, columns):
        assert np.array_equal(pixels, decode(white, (rows, columns), channels))


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _corner() -> Image.Image:
    """Red at the top left, blue at the bottom right: no turn of it looks like another."""
    pixels = np.zeros((48, 64, 3), dtype=np.uint8)
    pixels[:24, :32], pixels[24:, 32:] = (250, 0, 0), (0, 0, 250)
    return Image.fromarray(pixels)


def _tagged(form: str, value: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    if form.startswith("TIFF"):
        compression = form.partition("-")[2] or None
        return _bytes(_corner(), "TIFF", tiffinfo={0x0112: value}, compression=compression)
    more = {"MPO": {"save_all": True, "append_images": [_corner()]}, "WEBP": {"lossless": True}}.get(form, {})
    return _bytes(_corner(), form, exif=exif, quality=95, **more)


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("form", ["JPEG", "MPO", "PNG", "WEBP", "AVIF", "TIFF", "TIFF-tiff_lzw", "TIFF-tiff_deflate"])
def test_orientation_is_applied_once_in_every_format(form: str, orientation: int, tmp_path: Path) -> None:
    if form == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    if "-" in form and orientation in (0, 9):
        pytest.skip("libtiff does not write it")
    data, place = _tagged(form, orientation), tmp_path / "image"
    place.write_bytes(data)
    turn = _TURNS.get(orientation)
    wanted = _corner() if turn is None else _corner().transpose(turn)
    with Image.open(place) as lazy, Image.open(place) as loaded:
        loaded.load()
        for source in (data, place, lazy, loaded):
            pixels = decode(source, (wanted.height, wanted.width), 3)
            assert np.abs(pixels.astype(int) - np.asarray(wanted).astype(int)).mean() < 8
    assert file_facts(place).size == (wanted.height, wanted.width)
    with opened(place) as image:
        found = orientation_of(image)
    assert found == (1 if turn is None else orientation)


@pytest.mark.parametrize(
    ("kind", "count", "value", "wanted"),
    [
        (2, 2, b"6\0", 1),
        (7, 1, b"\6", 1),
        (3, 1, struct.pack("<H", 65535), 1),
        (8, 1, struct.pack("<h", -6), 1),
        (11, 1, struct.pack("<f", 6.5), 1),
        (4, 1, struct.pack("<I", 6), 6),
    ],
    ids=["text", "bytes", "large", "negative", "fraction", "long"],
)
def test_an_orientation_without_a_meaning_is_upright(kind: int, count: int, value: bytes, wanted: int) -> None:
    entry = struct.pack("<HHI", 0x0112, kind, count) + value.ljust(4, b"\0")
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    for form in ("JPEG", "WEBP"):
        with opened(_bytes(_corner(), form, exif=exif)) as image:
            found = orientation_of(image)
        assert found == wanted


def test_a_header_is_read_without_decoding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(_bytes(_corner(), "PNG"))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    assert file_facts(tmp_path / "a.png").size == (48, 64)


@pytest.mark.parametrize("name", ["upright", "turned"])
def test_heic_is_read_with_the_extra(name: str) -> None:
    """The samples are `_corner()` with EXIF orientations 1 and 6: the extra decodes and cannot encode."""
    pytest.importorskip("pi_heif", reason='needs pip install "greycard[heic]"')
    place = Path(__file__).parents[1] / "samples" / f"{name}.heic"
    content = place.read_bytes()
    wanted = _corner().transpose(_TURNS[6]) if name == "turned" else _corner()
    for source in (content, place):
        pixels = decode(source, (wanted.height, wanted.width), 3)
        assert np.abs(pixels.astype(int) - np.asarray(wanted).astype(int)).mean() < 8
    assert file_facts(place).size == (wanted.height, wanted.width)
    with pytest.raises(UnreadableImageError, match="HEIC"):
        decode(content[:200], (8, 8), 3)


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"hevc"])
def test_heic_without_the_extra_says_what_to_install(
    brand: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cli
) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    monkeypatch.setattr("greycard.datasets.formats.find_spec", lambda name: None)
    for name in ("cat", "dog"):
        (tmp_path / "phone" / name).mkdir(parents=True)
        (tmp_path / "phone" / name / "IMG_1.jpg").write_bytes(
            b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1heic" + bytes(9)
        )
    refused = cli("train", tmp_path / "phone", "--weights", "none")
    assert refused.code == 2
    assert "cat/IMG_1.jpg (HEIC" in refused.err
    assert refused.err.rstrip().endswith('hint: pip install "greycard[heic]"')


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1" + bytes(20), "AVIF"),
        (b"\xff\x0a" + bytes(20), "JPEG XL"),
        (b"<!DOCTYPE html><html>not found</html>", "a web page"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"\0\0\x01\xba" + bytes(60), "not an image"),
    ],
)
def test_what_it_is_instead_is_named(content: bytes, words: str) -> None:
    with pytest.raises(UnreadableImageError, match=words):
        decode(content, (8, 8), 3)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_image_through_a_pipe(tmp_path: Path) -> None:
    pipe, data = tmp_path / "pipe", _bytes(_corner(), "PNG")
    os.mkfifo(pipe)
    for content in (data, b""):
        writer = Thread(target=pipe.write_bytes, args=(content,))
        writer.start()
        if content:
            assert np.array_equal(decode(pipe, (48, 64), 3), np.asarray(_corner()))
        else:
            with pytest.raises(UnreadableImageError, match="empty"):
                decode(pipe, (48, 64), 3)
        writer.join()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs devices")
def test_a_device_is_no_image() -> None:
    with pytest.raises(UnreadableImageError, match="device"):
        decode(Path("/dev/zero"), (8, 8), 3)


def _odd_tiffs() -> list[bytes]:
    """A compressed TIFF whose pixels lie beyond its end, and one with more samples than Pillow knows."""
    damaged = bytearray(_bytes(_corner(), "TIFF", compression="tiff_lzw"))
    start = struct.unpack_from("<I", damaged, 4)[0]
    entries = [start + 2 + 12 * number for number in range(struct.unpack_from("<H", damaged, start)[0])]
    beyond, many = bytearray(damaged), bytearray(damaged)
    for at in entries:
        tag = struct.unpack_from("<H", damaged, at)[0]
        if tag == 273:  # where the pixels are
            struct.pack_into("<I", beyond, at + 8, 10**8)
        if tag == 277:  # samples of a pixel
            struct.pack_into("<H", many, at + 8, 999)
    return [bytes(beyond), bytes(many)]


def test_libraries_write_nothing_to_the_terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In many threads, with warnings as errors: what a library remarks is neither printed nor raised."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    large = _bytes(Image.new("1", (120, 100)), "PNG")  # Pillow warns of a decompression bomb
    sources = [*_odd_tiffs(), large, _bytes(_red(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff\x07\0broken")]

    def tried(source: bytes) -> str:
        try:
            return str(decode(source, (8, 8), 3).shape)
        except UnreadableImageError as error:
            return str(error)

    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(tried, sources * 6))
    assert set(outcomes[2::4]) == set(outcomes[3::4]) == {"(8, 8, 3)"}
    assert set(outcomes[0::4]) == {"its pixels are damaged"}
    assert capfd.readouterr() == ("", "")
    assert warnings.filters == before
