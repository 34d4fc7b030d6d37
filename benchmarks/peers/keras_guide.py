"""Transfer learning and fine-tuning as the guide of Keras does it: MobileNetV2, first frozen, then unfrozen at 1e-5.

    python benchmarks/peers/keras_guide.py FOLDER --weights mobilenet_v2_1.0_224_notop.weights.h5 [--epochs 5 5]

FOLDER has train/ and validation/ with one folder for each class. It follows "Transfer learning & fine-tuning"
(keras.io/guides/transfer_learning): images by tf.data, a random flip and a small rotation, a pooled frozen base with
dropout and one dense layer, then all layers at a small rate, with batch norm in inference mode. Prints a line of JSON
after every epoch: the minutes since the start of the script, and the validation accuracy.
"""

from __future__ import annotations

import time

BEGUN = time.perf_counter()  # before the imports, because a user waits for them, too

import argparse  # noqa: E402
import json  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402

SIZE, BATCH = (224, 224), 32


class Lines(keras.callbacks.Callback):
    """A line of JSON after each epoch."""

    def __init__(self, stage: str) -> None:
        super().__init__()
        self.stage = stage

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        minutes = (time.perf_counter() - BEGUN) / 60
        accuracy = float((logs or {})["val_accuracy"])
        line = {"stage": self.stage, "epoch": epoch + 1, "minutes": minutes, "accuracy": accuracy}
        print(json.dumps(line), flush=True)


def main() -> None:
    asked = _options()
    keras.utils.set_random_seed(asked.seed)
    train, validation = _images(asked.folder, "train", asked), _images(asked.folder, "validation", asked)
    base = keras.applications.MobileNetV2(include_top=False, weights=str(asked.weights), input_shape=(*SIZE, 3))
    base.trainable = False
    model = _model(base, len(train.class_names))
    train, validation = train.prefetch(tf.data.AUTOTUNE), validation.cache().prefetch(tf.data.AUTOTUNE)
    frozen, tuned = asked.epochs
    _compile(model, 1e-3)
    model.fit(train, epochs=frozen, validation_data=validation, callbacks=[Lines("frozen")], verbose=0)
    base.trainable = True
    _compile(model, 1e-5)
    model.fit(train, epochs=tuned, validation_data=validation, callbacks=[Lines("fine-tuned")], verbose=0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--epochs", type=int, nargs=2, default=(5, 5), help="frozen, then fine-tuned")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="batches of each split; all by default")
    return parser.parse_args()


def _images(folder: Path, part: str, asked: argparse.Namespace) -> Any:
    found = keras.utils.image_dataset_from_directory(
        folder / part, image_size=SIZE, batch_size=BATCH, shuffle=part == "train" or bool(asked.steps), seed=asked.seed
    )
    names = found.class_names
    found = found.take(asked.steps) if asked.steps else found
    found.class_names = names
    return found


def _model(base: keras.Model, classes: int) -> keras.Model:
    inputs = keras.Input(shape=(*SIZE, 3))
    x = layers.RandomFlip("horizontal")(inputs)
    x = layers.RandomRotation(0.1)(x)
    x = layers.Rescaling(scale=1 / 127.5, offset=-1)(x)
    x = base(x, training=False)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(inputs, layers.Dense(classes)(x))


def _compile(model: keras.Model, rate: float) -> None:
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )


if __name__ == "__main__":
    main()
