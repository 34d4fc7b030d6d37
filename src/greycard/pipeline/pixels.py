"""A split's pictures as one uint8 array at the recipe's size, decoded once, on all cores."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

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
        array = np.asarray(split.images)
        return Pixels(split.ids, split.labels, array if size is None else _fit_array(array, size, channels))
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
    for place, row in enumerate(rows):  # in place: a copy of a mapped file would not fit into memory
        images[place] = images[row]
    return Pixels(tuple(split.ids[row] for row in rows), split.labels[rows], images[: len(rows)], left_out)


def _room_for(shape: tuple[int, ...]) -> np.ndarray:
    if int(np.prod(shape, dtype=np.int64)) <= IN_MEMORY_BYTES:
        return np.empty(shape, dtype=np.uint8)
    with tempfile.TemporaryFile() as file:  # the map keeps the pages; nothing is left behind
        if hasattr(os, "posix_fallocate"):  # a full disk is told of now, not met as a crash later
            os.posix_fallocate(file.fileno(), 0, int(np.prod(shape, dtype=np.int64)))
        return np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)


def _fit_array(images: np.ndarray, size: tuple[int, int], channels: int) -> np.ndarray:
    """Arrays as they are where they fit; otherwise through the one decoder, as prediction does it."""
    array = images.reshape(*images.shape[:3], -1)
    if array.shape[1:] == (*size, channels):
        return array
    grey = array.shape[3] == 1
    return np.stack([decode(Image.fromarray(each[:, :, 0] if grey else each), size, channels) for each in array])
