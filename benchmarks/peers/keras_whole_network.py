"""Epochs of tuning a last block as a tutorial of Keras has it: images a second, the whole network in each epoch.

    python benchmarks/peers/keras_whole_network.py FOLDER --weights FILE [--epochs 2]

FOLDER has a folder for each class. The layers below the last block are frozen, but run for every image; images are
decoded in each epoch by `image_dataset_from_directory`. The first epoch is left out. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from keras import layers
from keras_epochs import Seconds
from last_block_data import BATCH, BELOW, RATE, SIZE, backbone


def main() -> None:
    asked = _options()
    keras.utils.set_random_seed(0)
    images = keras.utils.image_dataset_from_directory(
        asked.folder, label_mode="binary", image_size=(SIZE, SIZE), batch_size=BATCH, seed=0, verbose=False
    )
    model, clock = _model(asked.weights), Seconds()
    model.compile(optimizer=keras.optimizers.Adam(RATE), loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(images.prefetch(tf.data.AUTOTUNE), epochs=asked.epochs, callbacks=[clock], verbose=0)
    print(json.dumps(clock.rates(len(images.file_paths))))


def _model(weights: Path) -> Any:
    base = backbone(weights)
    last = [layer.name for layer in base.layers].index(BELOW)
    for number, layer in enumerate(base.layers):
        layer.trainable = number > last and not isinstance(layer, layers.BatchNormalization)
    inputs = keras.Input((SIZE, SIZE, 3))
    x = base(layers.Rescaling(scale=1 / 127.5, offset=-1)(inputs), training=False)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(x)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
