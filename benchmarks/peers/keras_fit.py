"""Training steps of Keras's `fit` on any backend: images a second.

    KERAS_BACKEND=jax python benchmarks/peers/keras_fit.py mnist-cnn --precision bfloat16 [--at-once 32] [--seconds 10]

Arrays in memory, mixed_bfloat16 if asked for (the output stays float32), and XLA where Keras uses it by itself. An
epoch has as many steps as a small data set. The first epoch is left out. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import keras
import numpy as np
from keras_network import network, optimizer
from step_rows import ROWS, StepRow

IMAGE_BYTES = 128 << 20
"""Of an epoch, but at most `MOST_STEPS`."""

MOST_STEPS = 512


class Watch(keras.callbacks.Callback):
    """Ends training after the epoch in which the time is over.

    Attributes:
        ends: when each epoch ended, `perf_counter`.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds, self.ends = seconds, list[float]()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.ends.append(time.perf_counter())
        self.model.stop_training = self.ends[-1] - self.ends[0] > self.seconds


def main() -> None:
    asked = _options()
    row = ROWS[asked.row]
    keras.utils.set_random_seed(0)
    if asked.precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    model, watch = network(row), Watch(asked.seconds)
    loss = "binary_crossentropy" if row.classes == 2 else "sparse_categorical_crossentropy"
    model.compile(optimizer=optimizer(row), loss=loss, metrics=["accuracy"], steps_per_execution=asked.at_once)
    images, labels = _arrays(row)
    model.fit(images, labels, batch_size=row.batch, epochs=1_000_000, verbose=0, callbacks=[watch])
    done = len(images) * (len(watch.ends) - 1)
    print(json.dumps({"images_per_second": done / (watch.ends[-1] - watch.ends[0])}))


def _arrays(row: StepRow) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(0)
    steps = max(4, min(MOST_STEPS, IMAGE_BYTES // (row.batch * row.size**2 * row.channels)))
    count = steps * row.batch
    images = draws.integers(0, 256, (count, row.size, row.size, row.channels), dtype=np.uint8)
    return images, draws.integers(0, row.classes, (count, 1)).astype(np.float32)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--at-once", type=int, default=1, help="steps a call")
    parser.add_argument("--seconds", type=float, default=10)
    return parser.parse_args()


if __name__ == "__main__":
    main()
