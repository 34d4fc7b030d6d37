"""The kind of images in a dataset, from a small sample: photographs, or grey drawings on a plain background."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from greycard.datasets.dataset import Dataset, Split
from greycard.datasets.images import UnreadableImageError, quiet_pillow
from greycard.pipeline.decode import decode

_SAMPLE = 48
"""Number of training images in the sample, spread over the whole split."""

_SIDE = 64
"""Their decoded size in pixels."""

_COLOURLESS = 6
"""An image is grey if its channels differ by less than this on average, of 255: JPEG rounds."""

_BACKGROUND = 0.4
"""A drawing has this share of its pixels at nearly one level; grey photographs have far fewer."""

_LEVELS = 16
"""Levels that count as nearly one."""


@dataclass(frozen=True)
class ImageKind:
    """The properties of a dataset's images that decide a recipe.

    Attributes:
        side: the median short side in pixels.
        grey: True if the images have no colour.
        drawn: True for grey drawings on a plain background, such as handwritten digits.
        mirrored: True if a mirrored image still shows its class: never for grey images, letters, digits and
            classes with a left and a right, and for numbers.
        numbers: True if the labels are numbers: size, place and direction can be what they measure.
    """

    side: int
    grey: bool = False
    drawn: bool = False
    mirrored: bool = True
    numbers: bool = False


def image_kind(dataset: Dataset) -> ImageKind:
    """The kind of a dataset's training images, estimated from a sample; unreadable files are skipped."""
    with quiet_pillow():
        sample = list(_sample(dataset.train))
    grey = bool(sample) and all(_is_grey(image) for image in sample)
    drawn = grey and float(np.median([_plain_share(image) for image in sample])) >= _BACKGROUND
    numbers = dataset.is_regression
    mirrored = not grey and not numbers and not _has_sides(dataset.classes)
    return ImageKind(_side(dataset), grey, drawn, mirrored, numbers)


def _side(dataset: Dataset) -> int:
    if dataset.sizes:
        return dataset.sizes[1]
    images = dataset.train.images
    return min(images.shape[1:3]) if isinstance(images, np.ndarray) and images.ndim > 2 else 150


def _sample(split: Split) -> Iterator[np.ndarray]:
    """uint8 (height, width, 1 or 3)."""
    for row in range(0, len(split), max(1, len(split) // _SAMPLE)):
        image = split.images[row]
        if isinstance(image, Path):
            try:
                yield decode(image, (_SIDE, _SIDE), 3)
            except UnreadableImageError:
                continue
        elif image.ndim > 1:
            yield image.reshape(*image.shape[:2], -1)


def _is_grey(image: np.ndarray) -> bool:
    return float(np.mean(image.max(axis=2).astype(float) - image.min(axis=2))) < _COLOURLESS


def _plain_share(image: np.ndarray) -> float:
    """The fraction of pixels in the most common range of grey levels."""
    counts = np.bincount(image[..., 0].ravel() // _LEVELS)
    return float(counts.max() / counts.sum())


def _has_sides(classes: Sequence[str]) -> bool:
    """True if left and right matter for the classes: single letters, numbers, or names with left and right."""
    words = {word for name in classes for word in re.split(r"[^a-z]+", name.lower())}
    return all(len(name) == 1 or name.isdecimal() for name in classes) or {"left", "right"} <= words
