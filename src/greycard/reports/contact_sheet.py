"""A contact sheet of augmentation: each row has an image and its transforms in the first five epochs."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from greycard.core.output_files import GENERATOR, write_output
from greycard.datasets.dataset import Dataset
from greycard.pipeline.array_split import load_arrays
from greycard.pipeline.augment import augmenter
from greycard.pipeline.augmentation import Augmentation

_ROWS, _EPOCHS, _GAP = 6, 5, 4


def augmented_sheet(
    dataset: Dataset,
    augmentation: Augmentation,
    size: tuple[int, int],
    *,
    seed: int = 0,
    resize: str = "stretch",
) -> np.ndarray:
    """The sheet as uint8 RGB: six training images from different classes, with the original in the first column.

    Args:
        dataset: its training images are used.
        augmentation: the ranges.
        size: (height, width) of each image, in pixels.
        seed: random seed; the same as in training.
        resize: how an image of another shape becomes this size, as `data.resize`.
    """
    rows = np.linspace(0, len(dataset.train) - 1, min(_ROWS, len(dataset.train))).astype(int)
    pixels = load_arrays(dataset.train.take(rows), size, 3, resize=resize)
    count = len(dataset.train)
    epochs = [augmenter(augmentation, seed=seed, epoch=epoch, count=count, size=size) for epoch in range(_EPOCHS)]
    lines = [
        np.hstack([_framed(image), *(_framed(augment(image, row)) for augment in epochs)])
        for row, image in zip(rows, pixels.images, strict=False)
    ]
    return np.vstack(lines)


def write_sheet(sheet: np.ndarray | Image.Image, path: Path) -> None:
    """Write the sheet as a PNG with Greycard's mark, after `expect_output`; the folder is created."""
    buffer, about = io.BytesIO(), PngInfo()
    about.add_text("Software", GENERATOR)
    image = Image.fromarray(sheet) if isinstance(sheet, np.ndarray) else sheet
    image.save(buffer, "PNG", pnginfo=about)
    write_output(path, buffer.getvalue())


def _framed(image: np.ndarray) -> np.ndarray:
    return np.pad(image, ((_GAP, _GAP), (_GAP, _GAP), (0, 0)), constant_values=255)
