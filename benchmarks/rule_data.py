"""The images on which the rules of `greycard train` are measured: real ones, scaled where a rule asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

import greycard
from greycard.datasets.dataset import Dataset, Split
from greycard.synthetic.sample import write_sample

SIDES = (8, 12, 16, 32, 48, 64)
"""The sides in pixels to which cats and dogs are scaled."""


def datasets(data: Path, scratch: Path) -> dict[str, Callable[[], Dataset]]:
    """How each dataset is made.

    Args:
        data: the folder of the real ones.
        scratch: a folder for those that are scaled or rendered.
    """
    cats = data / "cats_and_dogs_filtered"
    scaled = {f"cats-{side}px": partial(_scaled_cats, cats, scratch, side) for side in SIDES}
    return scaled | {
        "cats": lambda: greycard.load_folder(cats),
        "pets": lambda: _pets(scratch / "pets"),
        "mnist": lambda: greycard.load_dataset("mnist", data),
        "fashion": lambda: greycard.load_dataset("fashion-mnist", data),
        "mnist-56px": lambda: _enlarged(greycard.load_dataset("mnist", data).limited(1000, 1000, 0), 56),
    }


def _pets(folder: Path) -> Dataset:
    if not folder.is_dir():
        write_sample(folder)
    return greycard.load_folder(folder)


def _scaled_cats(cats: Path, scratch: Path, side: int) -> Dataset:
    return greycard.load_folder(_scaled(cats, scratch / f"cats-{side}px", side))


def _scaled(source: Path, target: Path, side: int) -> Path:
    """The middle square of every image, scaled."""
    for path in source.glob("*/*/*.jpg"):
        place = target / path.relative_to(source).with_suffix(".png")
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            _square(Image.open(path).convert("RGB")).resize((side, side), Image.Resampling.LANCZOS).save(place)
    return target


def _square(image: Image.Image) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def _enlarged(dataset: Dataset, side: int) -> Dataset:
    return replace(
        dataset,
        name=f"{dataset.name}-{side}px",
        train=_enlarged_split(dataset.train, side),
        validation=_enlarged_split(dataset.validation, side),
    )


def _enlarged_split(split: Split, side: int) -> Split:
    assert isinstance(split.images, np.ndarray)
    images = [np.asarray(Image.fromarray(np.squeeze(image)).resize((side, side))) for image in split.images]
    return replace(split, images=np.stack(images))
