"""Render labelled images of cats, dogs and rabbits as a sample dataset."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from itertools import chain, count
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from greycard.core.errors import GreycardError, command
from greycard.synthetic.drawing import (
    DRAWINGS,
    Brush,
    any_coat,
    any_colour,
    draw_clutter,
    mix,
)

CLASSES: tuple[str, ...] = ("cat", "dog", "rabbit")

OVERSAMPLING = 2  # shapes are drawn this many times larger, then averaged down
HEAD_UNITS = 2.4  # height of every head in head units
JPEG_QUALITY = 90


def render(kind: str, *, seed: int, index: int, size: int = 128) -> np.ndarray:
    """One image, uint8 of shape (size, size, 3), RGB.

    A pure function of its arguments: `kind` is one of CLASSES, `size` is in pixels, and the
    images of one seed differ by `index`.
    """
    rng = _generator(kind, seed, index)
    scene = _backdrop(rng, size)
    scene = _over(scene, _rounded(_clutter(rng, size)))
    head = _head(kind, rng, size)
    scene = _over(_with_shadow(scene, head, rng), _rounded(head))
    return _lit(scene, rng)


def head_mask(kind: str, *, seed: int, index: int, size: int = 128) -> np.ndarray:
    """Where in that image the animal is, bool of shape (size, size)."""
    rng = _generator(kind, seed, index)
    _backdrop(rng, size)
    _clutter(rng, size)
    return _head(kind, rng, size)[..., 3] > 0


def write_sample(
    folder: Path,
    *,
    seed: int = 0,
    train_per_class: int = 100,
    validation_per_class: int = 40,
    spoil: Callable[[Path], None] = lambda draft: None,
) -> int:
    """Render FOLDER/train/<class>/NNN.jpg and FOLDER/validation/<class>/NNN.jpg.

    Returns the number of images. An incomplete sample is never left behind, and a folder that
    is not empty is refused with a GreycardError. `spoil` is given the rendered folder before it
    gets its name.
    """
    folder = folder.resolve()
    _check_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    train = range(train_per_class)
    validation = range(train_per_class, train_per_class + validation_per_class)
    with tempfile.TemporaryDirectory(prefix=".greycard-sample-", dir=folder.parent) as scratch:
        # One level down, because the temporary directory itself is private to its owner.
        draft = Path(scratch) / folder.name
        for subset, indices in (("train", train), ("validation", validation)):
            for kind in CLASSES:
                _write_class(draft / subset / kind, kind, seed, indices)
        spoil(draft)
        count = sum(1 for path in draft.rglob("*") if path.is_file())
        if folder.exists():  # an empty folder of the user: fill it, do not replace it
            for part in draft.iterdir():
                shutil.move(part, folder / part.name)
        else:
            os.replace(draft, folder)
    return count


def _check_free(folder: Path) -> None:
    """Raise GreycardError unless a sample may be put at `folder` without overwriting anything."""
    taken = folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))
    # Replacing the current folder would leave the user's shell in a deleted one.
    if taken or folder == Path.cwd():
        raise GreycardError(
            f"a sample needs a new or an empty folder. Received: {folder}, which is in use",
            hint=f"no file is overwritten; `{command('sample', _free_name(folder))}` creates a new folder",
        )


def _free_name(folder: Path) -> Path:
    """A folder name that does not exist yet: next to the given folder, or inside the current one."""
    here = Path.cwd()
    base = folder / "pets" if folder == here else folder
    numbered = (base.with_name(f"{base.name}-{number}") for number in count(2))
    found = next(place for place in chain([base], numbered) if not place.exists())
    return found.relative_to(here) if found.is_relative_to(here) else found


def _write_class(folder: Path, kind: str, seed: int, indices: range) -> None:
    """Render one image per index as folder/NNN.jpg, counted from 000."""
    folder.mkdir(parents=True)
    for number, index in enumerate(indices):
        image = Image.fromarray(render(kind, seed=seed, index=index))
        image.save(folder / f"{number:03d}.jpg", quality=JPEG_QUALITY)


def _generator(kind: str, seed: int, index: int) -> np.random.Generator:
    """A separate random generator for each image, so that images do not depend on each other or on their order."""
    key = np.array([seed, CLASSES.index(kind) << 32 | index], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def _backdrop(rng: np.random.Generator, size: int) -> np.ndarray:
    """A pattern in two related colours, float32 of shape (size, size, 3), 0 to 255."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    angle, pitch, phase = rng.uniform(0, 2 * np.pi), rng.uniform(12, 45), rng.uniform(0, 2 * np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    cells = int(rng.integers(3, 12))
    cloud = cv2.resize(rng.random((cells, cells)), (size, size), interpolation=cv2.INTER_CUBIC)
    patterns = (
        along,  # a gradient
        4 * np.sin(pitch * along + phase),  # stripes
        8 * np.sin(pitch * along) * np.sin(pitch * across),  # checks
        8 * (np.cos(pitch * along) + np.cos(pitch * across) - 0.9),  # dots
        4 * np.sin(pitch * np.hypot(x - rng.random(), y - rng.random())),  # rings
        4 * (cloud - 0.5),  # clouds
        60 * (y - rng.uniform(0.4, 0.8) + 0.06 * np.sin(6 * x + phase)),  # a hill
    )
    share = 0.5 + 0.5 * np.clip(patterns[rng.integers(len(patterns))], -1, 1)[..., None]
    hue = rng.random()
    first = any_colour(rng, hue)
    second = mix(first, any_colour(rng, hue), rng.uniform(0.2, 0.7))
    shade = 0.8 + 0.25 * cloud[..., None]
    return ((first + np.subtract(second, first) * share) * shade).astype(np.float32)


def _clutter(rng: np.random.Generator, size: int) -> np.ndarray:
    """A few small objects on a transparent layer, float32 of shape (size, size, 4)."""
    canvas = _canvas(size)
    draw_clutter(canvas, rng, int(rng.integers(2, 7)))
    return _reduced(canvas)


def _head(kind: str, rng: np.random.Generator, size: int) -> np.ndarray:
    """One animal's head at a random place on a transparent layer, float32 of shape (size, size, 4)."""
    canvas = _canvas(size)
    side = canvas.shape[0]
    height = side * rng.uniform(0.45, 0.72)
    x, y = side / 2 + rng.uniform(-0.35, 0.35, 2) * (side - height)
    brush = Brush(canvas, x, y, height / HEAD_UNITS, rng.normal(0, 8))
    DRAWINGS[kind](brush, any_coat(rng), rng)
    return _reduced(canvas)


def _canvas(size: int) -> np.ndarray:
    """A transparent canvas, large enough to be averaged down to `size` pixels."""
    return np.zeros((size * OVERSAMPLING, size * OVERSAMPLING, 4), np.uint8)


def _reduced(canvas: np.ndarray) -> np.ndarray:
    """The canvas averaged down to the image's size; still premultiplied, float32, 0 to 255."""
    size = canvas.shape[0] // OVERSAMPLING
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)


def _rounded(layer: np.ndarray) -> np.ndarray:
    """The layer with its shapes darkened towards their edges, so that they look round."""
    reach = layer.shape[0] // 10 + 1  # pixels
    depth = cv2.blur(layer[..., 3:], (reach, reach)) / 255
    light = 0.7 + 0.3 * np.clip(depth * 2 - 1, 0, 1)
    return np.dstack([layer[..., :3] * light[..., None], layer[..., 3]])


def _over(scene: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """A premultiplied layer (size, size, 4) composited over the scene (size, size, 3)."""
    return scene * (1 - layer[..., 3:] / 255) + layer[..., :3]


def _with_shadow(scene: np.ndarray, head: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The scene with the soft shadow of the head next to it or below it."""
    reach = scene.shape[0] * 0.06  # pixels
    shift = np.array([[1, 0, rng.uniform(-reach, reach)], [0, 1, rng.uniform(0, reach)]])
    shadow = cv2.warpAffine(head[..., 3], shift, head.shape[:2])
    soft = cv2.GaussianBlur(shadow, (0, 0), reach / 2)[..., None] / 255
    return scene * (1 - rng.uniform(0.2, 0.6) * soft)


def _lit(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The image under a light of some strength, tint and direction, with sensor noise; uint8."""
    ramp = np.linspace(-1, 1, image.shape[0], dtype=np.float32)
    down, right = rng.uniform(-0.2, 0.2, 2)
    light = 1 + down * ramp[:, None] + right * ramp[None, :]
    tint = rng.uniform(0.75, 1.15) * rng.uniform(0.94, 1.06, 3)
    noise = rng.uniform(1, 6) * rng.standard_normal(image.shape, dtype=np.float32)
    return np.clip(image * light[..., None] * tint + noise, 0, 255).astype(np.uint8)
