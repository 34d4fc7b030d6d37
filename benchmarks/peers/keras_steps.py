"""Training steps of Keras as an expert runs them: images a second.

    python benchmarks/peers/keras_steps.py mnist-cnn --precision bfloat16 [--jit] [--at-once 32] [--seconds 10]

Arrays in memory through `tf.data` with prefetching, mixed_bfloat16 if asked for (the output stays float32), XLA if
asked for, and several steps a call, as `fit` makes them with `steps_per_execution`. Only steps are timed: `fit` adds
its callbacks and the end of an epoch. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import time

import keras
import numpy as np
import tensorflow as tf
from keras_network import network, optimizer
from step_rows import ROWS, StepRow


def main() -> None:
    asked = _options()
    row = ROWS[asked.row]
    keras.utils.set_random_seed(0)
    if asked.precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    model = network(row)
    loss = "binary_crossentropy" if row.classes == 2 else "sparse_categorical_crossentropy"
    model.compile(
        optimizer=optimizer(row),
        loss=loss,
        metrics=["accuracy"],
        jit_compile=asked.jit,
        steps_per_execution=asked.at_once,
    )
    batches = iter(_batches(row))
    model.make_train_function()
    step = lambda: model.train_function(batches)  # noqa: E731
    for _ in range(3):
        step()
    done, begun = 0, time.perf_counter()
    while (spent := time.perf_counter() - begun) < asked.seconds:
        step()
        done += asked.at_once * row.batch
    print(json.dumps({"images_per_second": done / spent}))


def _batches(row: StepRow) -> tf.data.Dataset:
    draws, count = np.random.default_rng(0), 8 * row.batch
    images = draws.integers(0, 256, (count, row.size, row.size, row.channels), dtype=np.uint8)
    labels = draws.integers(0, row.classes, (count, 1)).astype(np.float32)
    found = tf.data.Dataset.from_tensor_slices((images, labels)).repeat()
    return found.batch(row.batch, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--jit", action="store_true")
    parser.add_argument("--at-once", type=int, default=1, help="steps a call")
    parser.add_argument("--seconds", type=float, default=10)
    return parser.parse_args()


if __name__ == "__main__":
    main()
