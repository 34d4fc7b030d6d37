"""Epochs of a table row in Keras as an expert trains it: seconds of each, training and validation together.

    python benchmarks/peers/keras_epochs.py cats-dogs-3k-cnn --data DIR [--epochs 3] [--precision bfloat16]

All images are decoded once into arrays in memory, `fit` takes the arrays, the precision is mixed_bfloat16 if asked for,
and small images train several steps a call. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "plain")]

from keras_network import network, optimizer  # noqa: E402
from mnist import load  # noqa: E402
from step_rows import ROWS, StepRow  # noqa: E402


class Seconds(keras.callbacks.Callback):
    """The time of each epoch.

    Attributes:
        each: seconds.
        each_cpu: the processor's seconds, of all threads.
    """

    def __init__(self) -> None:
        super().__init__()
        self.each, self.each_cpu = list[float](), list[float]()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._begun, self._cpu = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.each.append(time.perf_counter() - self._begun)
        self.each_cpu.append(time.process_time() - self._cpu)

    def rates(self, images: int) -> dict[str, list[float]]:
        """Images per second, and per second of one core, of each epoch but the first."""
        each = {"images_per_second": self.each[1:], "images_per_core_second": self.each_cpu[1:]}
        return {name: [images / seconds for seconds in spent] for name, spent in each.items()}


def main() -> None:
    asked = _options()
    row = ROWS[asked.row]
    keras.utils.set_random_seed(asked.seed)
    if asked.precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    (x, y), (x_val, y_val) = _images(asked.data, row)
    model = network(row)
    loss = "binary_crossentropy" if row.classes == 2 else "sparse_categorical_crossentropy"
    at_once = 32 if row.size <= 28 else 1
    model.compile(
        optimizer=optimizer(row), loss=loss, metrics=["accuracy"], steps_per_execution=at_once, jit_compile=False
    )
    clock = Seconds()
    found = model.fit(
        x, y, batch_size=row.batch, epochs=asked.epochs, validation_data=(x_val, y_val),
        validation_batch_size=max(row.batch, 64), callbacks=[clock], verbose=0,
    )  # fmt: skip
    print(json.dumps({"seconds": clock.each, "val_accuracy": found.history["val_accuracy"]}))


def _images(folder: Path, row: StepRow) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and validation images with their labels."""
    if row.channels == 1:
        x, y, x_val, y_val = load(folder)
        return [(x[..., None], y), (x_val[..., None], y_val)]
    return [_decoded(folder / part, row) for part in ("train", "validation")]


def _decoded(folder: Path, row: StepRow) -> tuple[np.ndarray, np.ndarray]:
    batches = keras.utils.image_dataset_from_directory(
        folder, label_mode="binary", image_size=(row.size, row.size), batch_size=64, shuffle=False, verbose=False
    )
    images, labels = zip(*batches.as_numpy_iterator(), strict=True)
    return np.concatenate(images).astype(np.uint8), np.concatenate(labels)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
