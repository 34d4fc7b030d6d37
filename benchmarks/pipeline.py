"""Images a second from files to batches, against what Keras users have today.

    GREYCARD_DATA=… python benchmarks/pipeline.py [--images 1000] [--rounds 3]

On photographs of the filtered Cats vs Dogs set, to 150×150, in turn: the first read of a folder, the second start,
plain batches, and batches with the published augmentation. Writes `results/speed/pipeline.json`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from clock import Way, measure
from greycard.backend import configure
from greycard.datasets.dataset import Split
from greycard.datasets.folders import load_folder
from greycard.pipeline.array_split import ArraySplit, load_arrays
from greycard.pipeline.loader import Loader
from greycard.projects.augmentations import PUBLISHED_AUGMENTATION
from large import filtered_set
from result import ResultFile, parser

SIZE, BATCH = (150, 150), 32


def main() -> None:
    options = _options()
    configure()
    results = ResultFile("pipeline", ("work", "how"), keep=not options.quick)
    folder = filtered_set() / "train"
    split = load_folder(folder).train.limited(options.images, seed=0)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["GREYCARD_CACHE"] = f"{scratch}/filled"
        pixels = load_arrays(split, SIZE, 3)
        ways = [*_reading(split, Path(scratch)), *_batches(folder, pixels), *_augmenting(pixels)]
        for row in measure(ways, options.rounds):
            results.put(row)


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=3)
    made.add_argument("--images", type=int, default=1000)
    options = made.parse_args()
    if options.quick:
        options.images, options.rounds = 64, 1
    return options


def _reading(split: Split, scratch: Path) -> Iterator[Way]:
    """With `GREYCARD_CACHE` at an empty folder for a first read, at a filled one for a second start."""

    def pillow(_number: int) -> int:
        return len([np.asarray(Image.open(path).convert("RGB").resize(SIZE)) for path in split.images])

    def greycard(cache: str) -> int:
        os.environ["GREYCARD_CACHE"] = str(scratch / cache)
        return _read_through(load_arrays(split, SIZE, 3))

    yield Way("first read", "Pillow, a loop", pillow)
    yield Way("first read", "Greycard", lambda number: greycard(f"empty-{number}"))
    yield Way("second start", "Pillow, a loop", pillow)
    yield Way("second start", "Greycard", lambda _number: greycard("filled"))


def _read_through(pixels: ArraySplit) -> int:
    """Every byte is touched: pixels that are mapped into memory are read when they are used."""
    return sum(len(np.array(pixels.images[row : row + BATCH])) for row in range(0, len(pixels), BATCH))


def _batches(folder: Path, pixels: ArraySplit) -> Iterator[Way]:
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    flow = ImageDataGenerator(rescale=1 / 255).flow_from_directory(folder, target_size=SIZE, batch_size=BATCH)
    ours = Loader(pixels, BATCH, shuffle=True)
    yield Way("a batch", "ImageDataGenerator, from files", lambda _: _count(flow[n][0] for n in range(len(ours))))
    yield Way("a batch", "Greycard", lambda number: _all_of(ours, number))


def _augmenting(pixels: ArraySplit) -> Iterator[Way]:
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    generator, layers = ImageDataGenerator(**asdict(PUBLISHED_AUGMENTATION)), _random_layers(pixels.images)
    ours = Loader(pixels, BATCH, shuffle=True, augmentation=PUBLISHED_AUGMENTATION)

    def image_by_image(_number: int) -> int:
        return len([generator.random_transform(image.astype("float32")) for image in pixels.images])

    yield Way("an augmented batch", "ImageDataGenerator.random_transform", image_by_image)
    yield Way("an augmented batch", "Keras random layers in tf.data", lambda _: _count(layers))
    yield Way("an augmented batch", "Greycard", lambda number: _all_of(ours, number))


def _random_layers(images: np.ndarray) -> Any:
    """The published ranges, but for the invisible shear, as layers on batches of a `tf.data` dataset."""
    import tensorflow as tf
    from keras import layers

    stack = [
        layers.RandomFlip("horizontal"),
        layers.RandomRotation(40 / 360, fill_mode="nearest"),
        layers.RandomTranslation(0.2, 0.2, fill_mode="nearest"),
        layers.RandomZoom((-0.2, 0.2), (-0.2, 0.2), fill_mode="nearest"),
    ]

    def augmented(batch: Any) -> Any:
        for layer in stack:
            batch = layer(batch, training=True)
        return batch

    source = tf.data.Dataset.from_tensor_slices(np.asarray(images)).batch(BATCH)
    return source.map(lambda batch: augmented(tf.cast(batch, tf.float32)))


def _all_of(batches: Loader, epoch: int) -> int:
    return _count(batches.batch(epoch, index)[0] for index in range(len(batches)))


def _count(batches: Sequence[Any] | Iterator[Any]) -> int:
    return sum(len(batch) for batch in batches)


if __name__ == "__main__":
    main()
