"""Folders of images as a tutorial trains on them: ImageDataGenerator, `flow_from_directory`, and `fit`.

python benchmarks/plain/folders.py cats-dogs-3k-cnn --data DIR --epochs 3

DIR holds train/ and validation/ with a folder a class in each.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass

import keras
from keras import layers
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from record import Clock, finish, options


@dataclass(frozen=True)
class Row:
    size: int
    filters: tuple[int, ...]
    learning_rate: float
    batch: int
    val_batch: int
    augmented: bool = False


HORSES, CATS, MANY_CATS = (16, 32, 64, 64, 64), (32, 64, 128, 128), (16, 32, 64)
ROWS = {
    "horses-humans-cnn": Row(300, HORSES, 1e-3, 128, 32),
    "horses-humans-cnn-augmented": Row(300, HORSES, 1e-4, 128, 32, augmented=True),
    "cats-dogs-3k-cnn": Row(150, CATS, 1e-4, 20, 20),
    "cats-dogs-3k-cnn-augmented": Row(150, CATS, 1e-4, 20, 20, augmented=True),
    "cats-dogs-25k-cnn": Row(150, MANY_CATS, 1e-3, 10, 10),
    "cats-dogs-25k-cnn-augmented": Row(150, MANY_CATS, 1e-3, 10, 10, augmented=True),
}


def main() -> None:
    asked = options(tuple(ROWS))
    row = ROWS[asked.name]
    keras.utils.set_random_seed(asked.seed)
    training = augmenting() if row.augmented else ImageDataGenerator(rescale=1 / 255)
    learn(asked, cnn(row), training, row.size, row.batch, row.val_batch)


def learn(
    asked: Namespace, model: keras.Model, training: ImageDataGenerator, size: int, batch: int, val_batch: int
) -> None:
    """Fit on the images of asked.data, and say what came of it."""
    plain, clock = ImageDataGenerator(rescale=1 / 255), Clock()
    images = {"target_size": (size, size), "class_mode": "binary"}
    train = training.flow_from_directory(asked.data / "train", batch_size=batch, **images)
    validation = plain.flow_from_directory(asked.data / "validation", batch_size=val_batch, **images)
    model.fit(
        train,
        epochs=asked.epochs,
        steps_per_epoch=asked.steps,
        validation_data=validation,
        validation_steps=asked.steps,
        callbacks=[clock],
        verbose=2,
    )
    sorted_ones = plain.flow_from_directory(asked.data / "validation", batch_size=val_batch, shuffle=False, **images)
    finish(asked, clock, model, sorted_ones, sorted_ones.classes, sorted_ones.filenames)


def augmenting() -> ImageDataGenerator:
    return ImageDataGenerator(
        rescale=1 / 255,
        rotation_range=40,
        width_shift_range=0.2,
        height_shift_range=0.2,
        shear_range=0.2,
        zoom_range=0.2,
        horizontal_flip=True,
        fill_mode="nearest",
    )


def cnn(row: Row) -> keras.Model:
    model = keras.Sequential([layers.Input((row.size, row.size, 3))])
    for filters in row.filters:
        model.add(layers.Conv2D(filters, 3, activation="relu"))
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(512, activation="relu"))
    model.add(layers.Dense(1, activation="sigmoid"))
    optimizer = keras.optimizers.RMSprop(learning_rate=row.learning_rate)
    model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"])
    return model


if __name__ == "__main__":
    main()
