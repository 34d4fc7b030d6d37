"""A split's pictures as one uint8 array at the recipe's size, decoded once, on all cores."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from greycard.datasets.core import LeftOut, Split
from greycard.datasets.pictures import UnreadableImageError, quiet_pillow
from greycard.pipeline.decode import decode

IN_MEMORY_BYTES = 4 << 30
"""A larger split is decoded into a temporary file that is mapped into memory and goes with the process."""


@dataclass(frozen=True)
class Pixels:
    """A split ready for the model.

    Attributes:
        ids: as in the split, without what could not be decoded.
        labels: as in the split, likewise.
        images: uint8 (n, height, width, channels), or float32 (n, features) where the data is no picture.
        left_out: files whose header was fine and whose pixels were not.
    """

    ids: tuple[str, ...]
    labels: np.ndarray
    images: np.ndarray
    left_out: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)


def load_pixels(
    split: Split,
    size: tuple[int, int] | None,
    channels: int,
    on_image: Callable[[], None] = lambda: None,
) -> Pixels:
    """Decode a split.

    Args:
        split: files, or arrays that are only resized where they differ from `size`.
        size: (height, width) in pixels; None leaves data that is no picture as it is.
        channels: 1 for grey, 3 for RGB.
        on_image: called after each file.
    """
    if size is None or isinstance(split.images, np.ndarray):
        images = split.images if size is None else _fit_array(split.images, size, channels)
        return Pixels(split.ids, split.labels, np.asarray(images))
    return _decode_files(split, split.images, size, channels, on_image)


def _decode_files(
    split: Split, paths: tuple[Path, ...], size: tuple[int, int], channels: int, on_image: Callable[[], None]
) -> Pixels:
    images = _room_for((len(paths), *size, channels))

    def decode_into(row: int) -> str | None:
        try:
            images[row] = decode(paths[row], size, channels)
        except UnreadableImageError as error:
            return str(error)
        finally:
            on_image()
        return None

    with quiet_pillow(), ThreadPoolExecutor() as pool:
        problems = list(pool.map(decode_into, range(len(paths))))
    return _without(split, images, problems)


def _without(split: Split, images: np.ndarray, problems: list[str | None]) -> Pixels:
    if not any(problems):
        return Pixels(split.ids, split.labels, images)
    left_out = tuple(LeftOut(id, why) for id, why in zip(split.ids, problems, strict=True) if why)
    rows = [row for row, why in enumerate(problems) if not why]
    return Pixels(tuple(split.ids[row] for row in rows), split.labels[rows], images[rows], left_out)


def _room_for(shape: tuple[int, ...]) -> np.ndarray:
    if int(np.prod(shape, dtype=np.int64)) <= IN_MEMORY_BYTES:
        return np.empty(shape, dtype=np.uint8)
    with tempfile.TemporaryFile() as file:  # the map keeps the pages; nothing is left behind
        return np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)


def _fit_array(images: object, size: tuple[int, int], channels: int) -> np.ndarray:
    array = np.asarray(images)
    if array.shape[1:3] != size:
        flag = cv2.INTER_AREA if array.shape[1] > size[0] else cv2.INTER_LINEAR
        array = np.stack([cv2.resize(image, size[::-1], interpolation=flag) for image in array])
    array = array.reshape(len(array), *size, -1)
    if array.shape[3] == channels:
        return array
    if channels == 3:
        return np.repeat(array, 3, axis=3)
    return np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in array])[..., None]
