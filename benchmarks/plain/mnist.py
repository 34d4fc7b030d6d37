"""MNIST and Fashion-MNIST as a tutorial trains them: arrays by 255, and `fit`.

python benchmarks/plain/mnist.py mnist-cnn --data DIR --epochs 3
"""

from __future__ import annotations

import gzip
from pathlib import Path

import keras
import numpy as np
from keras import layers
from record import Clock, finish, options

NAMES = ("mnist-dnn", "mnist-cnn", "fashion-mnist-dnn", "fashion-mnist-cnn")


def main() -> None:
    asked = options(NAMES)
    clock = Clock()
    keras.utils.set_random_seed(asked.seed)
    few = asked.steps and 32 * asked.steps  # by slices: told of steps, `fit` would make that many batches of all images
    x_train, y_train, x_test, y_test = (array[:few] for array in load(asked.data))
    x_train, x_test = x_train[..., None] / 255.0, x_test[..., None] / 255.0
    model = cnn() if asked.name.endswith("cnn") else dnn()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, epochs=asked.epochs, validation_data=(x_test, y_test), callbacks=[clock], verbose=2)
    finish(asked, clock, model, x_test, y_test, [f"test/{row}" for row in range(len(x_test))])


def dnn() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            layers.Dense(512, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def cnn() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def load(folder: Path) -> tuple[np.ndarray, ...]:
    """Training and test images and labels, from Keras's `mnist.npz` or the four IDX files; without any download."""
    if (folder / "mnist.npz").is_file():
        with np.load(folder / "mnist.npz") as file:
            return tuple(file[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    parts = [(part, kind) for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
    return tuple(idx(folder / f"{part}-{kind}-ubyte.gz") for part, kind in parts)


def idx(path: Path) -> np.ndarray:
    data = gzip.decompress(path.read_bytes())
    dimensions = data[3]
    shape = np.frombuffer(data, ">u4", dimensions, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


if __name__ == "__main__":
    main()
