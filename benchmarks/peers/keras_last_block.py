"""Epochs of a last block in Keras as an expert tunes it: images a second, on maps that were computed once.

    python benchmarks/peers/keras_last_block.py MAPS --precision bfloat16 [--jit] [--at-once 31] [--epochs 4]

The maps lie in memory in the precision of the training (MAPS is from last_block_data.py). Batches are taken from them
by their numbers, which are shuffled without end, so that no epoch waits for `tf.data` to begin again. mixed_bfloat16,
XLA and several steps a call if asked for. The first epoch is left out. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras_epochs import Seconds
from last_block_data import BATCH, RATE, last_block


def main() -> None:
    asked = _options()
    keras.utils.set_random_seed(0)
    if asked.precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    maps, labels = np.load(asked.maps / "maps.npy"), np.load(asked.maps / "labels.npy")
    model, steps = last_block(maps.shape[1:]), len(maps) // BATCH
    with np.load(asked.maps / "weights.npz") as file:
        model.set_weights([file[name] for name in file.files])
    model.compile(
        optimizer=keras.optimizers.Adam(RATE),
        loss="binary_crossentropy",
        metrics=["accuracy"],
        jit_compile=asked.jit,
        steps_per_execution=asked.at_once if steps % asked.at_once == 0 else steps,
    )
    clock, batches = Seconds(), _batches(maps, labels, asked.precision)
    found = model.fit(batches, steps_per_epoch=steps, epochs=asked.epochs, callbacks=[clock], verbose=0)
    print(json.dumps(clock.rates(steps * BATCH) | {"loss": found.history["loss"]}))


def _batches(maps: np.ndarray, labels: np.ndarray, precision: str) -> Any:
    kept, targets = tf.cast(maps, precision), tf.constant(labels)
    numbers = tf.data.Dataset.range(len(maps)).shuffle(len(maps)).repeat().batch(BATCH)
    return numbers.map(lambda each: (tf.gather(kept, each), tf.gather(targets, each))).prefetch(tf.data.AUTOTUNE)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("maps", type=Path)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--jit", action="store_true")
    parser.add_argument("--at-once", type=int, default=1, help="steps a call")
    parser.add_argument("--epochs", type=int, default=4)
    return parser.parse_args()


if __name__ == "__main__":
    main()
