"""Add one defect of each kind to a rendered sample, to try `greycard check`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

_RABBITS_LEFT = 20
_QUALITY = 90


def plant_defects(folder: Path) -> dict[str, list[str]]:
    """Add defects to a sample that `write_sample` has just written; deterministic.

    Returns:
        Each kind of finding (`greycard.audit`) and the images to be found, as paths in the folder. Those of `shift`
        and `imbalance` are whole parts.
    """
    for path in sorted(folder.glob("validation/*/*.jpg")):
        _change(path, path, _evening)
    for path in sorted(folder.glob("train/rabbit/*.jpg"))[_RABBITS_LEFT:]:
        path.unlink()
    planted = {"shift": ["validation"], "imbalance": ["train/rabbit"]}
    for kind, plant in _PLANTERS.items():
        planted[kind] = [path.relative_to(folder).as_posix() for path in plant(folder)]
    return planted


def _leakage(folder: Path) -> list[Path]:
    """The same file, the same pixels in another format, and nearly the same."""
    cats, val = folder / "train" / "cat", folder / "validation" / "cat"
    shutil.copy(cats / "000.jpg", val / "same-file.jpg")
    Image.open(cats / "001.jpg").save(val / "same-pixels.png")
    _change(cats / "002.jpg", val / "brighter.jpg", lambda image: ImageEnhance.Brightness(image).enhance(1.25))
    return [val / "same-file.jpg", val / "same-pixels.png", val / "brighter.jpg"]


def _duplicates(folder: Path) -> list[Path]:
    dogs = folder / "train" / "dog"
    shutil.copy(dogs / "000.jpg", dogs / "again.jpg")
    _change(dogs / "001.jpg", dogs / "smaller.jpg", lambda image: image.resize((96, 96)))
    _change(dogs / "002.jpg", dogs / "mirrored.jpg", ImageOps.mirror)
    _change(dogs / "003.jpg", dogs / "cropped.jpg", lambda image: image.crop((3, 3, 125, 125)))
    return [dogs / name for name in ("again.jpg", "smaller.jpg", "mirrored.jpg", "cropped.jpg")]


def _conflict(folder: Path) -> list[Path]:
    target = folder / "train" / "dog" / "cat-too.jpg"
    shutil.copy(folder / "train" / "cat" / "003.jpg", target)
    return [target]


def _mislabelled(folder: Path) -> list[Path]:
    """Label errors that a pretrained network's features can find; pixels do not separate these three classes."""
    target = folder / "train" / "dog" / "a-cat.jpg"
    (folder / "train" / "cat" / "004.jpg").rename(target)
    return [target]


def _unreadable(folder: Path) -> list[Path]:
    cats = folder / "train" / "cat"
    whole = (cats / "005.jpg").read_bytes()
    (cats / "empty.jpg").touch()
    (cats / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (cats / "text.jpg").write_text("not an image\n")
    return [cats / "empty.jpg", cats / "truncated.jpg", cats / "text.jpg"]


def _near_empty(folder: Path) -> list[Path]:
    target = folder / "train" / "cat" / "plain.jpg"
    Image.new("RGB", (128, 128), (120, 130, 140)).save(target, quality=_QUALITY)
    return [target]


def _wrong_ending(folder: Path) -> list[Path]:
    path = folder / "train" / "cat" / "006.jpg"
    image = Image.open(path).copy()
    image.save(path, format="PNG")
    return [path]


def _odd_modes(folder: Path) -> list[Path]:
    cats = folder / "train" / "cat"
    _change(cats / "007.jpg", cats / "007.jpg", lambda image: image.convert("CMYK"))
    image = Image.open(cats / "008.jpg").convert("RGBA")
    image.putalpha(Image.fromarray(np.tile(np.arange(128, dtype=np.uint8) + 128, (128, 1))))
    image.save(cats / "see-through.png")
    (cats / "008.jpg").unlink()
    return [cats / "007.jpg", cats / "see-through.png"]


def _rotated(folder: Path) -> list[Path]:
    path = folder / "train" / "cat" / "009.jpg"
    turned = Image.open(path).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(path, quality=_QUALITY, exif=exif)
    return [path]


def _extremes(folder: Path) -> list[Path]:
    cats = folder / "train" / "cat"
    _change(cats / "010.jpg", cats / "010.jpg", lambda image: image.resize((20, 20)))
    _change(cats / "011.jpg", cats / "011.jpg", lambda image: image.resize((640, 100)))
    return [cats / "010.jpg", cats / "011.jpg"]


_PLANTERS: dict[str, Callable[[Path], list[Path]]] = {
    "leakage": _leakage,
    "duplicates": _duplicates,
    "conflicting labels": _conflict,
    "suspected labels": _mislabelled,
    "unreadable": _unreadable,
    "near-empty": _near_empty,
    "wrong ending": _wrong_ending,
    "odd mode": _odd_modes,
    "rotated": _rotated,
    "extreme size": _extremes,
}


def _change(source: Path, target: Path, how: Callable[[Image.Image], Image.Image]) -> None:
    with Image.open(source) as opened:
        image = opened.copy()
    how(image).save(target, quality=_QUALITY)


def _evening(image: Image.Image) -> Image.Image:
    """Make an image darker and warmer, like another camera at another time of day."""
    values = np.asarray(image, np.float32) * np.array([0.75, 0.6, 0.4], np.float32)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
