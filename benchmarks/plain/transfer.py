"""Transfer learning as a tutorial does it: a frozen InceptionV3 to `mixed7` in the model, fed by ImageDataGenerator.

python benchmarks/plain/transfer.py cats-dogs-3k-transfer --data DIR --weights FILE --epochs 20

Pixels are scaled by 1/255 as the course has it, although these weights were trained on -1 to 1.
"""

from __future__ import annotations

from pathlib import Path

import keras
from folders import augmenting
from keras import layers
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from record import Clock, finish, options

BATCH = {"horses-humans-transfer": 5, "cats-dogs-3k-transfer": 20}


def main() -> None:
    asked = options(tuple(BATCH))
    clock = Clock()
    keras.utils.set_random_seed(asked.seed)
    plain = ImageDataGenerator(rescale=1 / 255)
    pictures = {"target_size": (150, 150), "class_mode": "binary", "batch_size": BATCH[asked.name]}
    train = augmenting().flow_from_directory(asked.data / "train", **pictures)
    validation = plain.flow_from_directory(asked.data / "validation", **pictures)
    model = transfer(asked.weights)
    model.fit(
        train,
        epochs=asked.epochs,
        steps_per_epoch=asked.steps,
        validation_data=validation,
        validation_steps=asked.steps,
        callbacks=[clock],
        verbose=2,
    )
    sorted_ones = plain.flow_from_directory(asked.data / "validation", shuffle=False, **pictures)
    finish(asked, clock, model, sorted_ones, sorted_ones.classes, sorted_ones.filenames)


def transfer(weights: Path | None) -> keras.Model:
    inception = keras.applications.InceptionV3(include_top=False, weights=None, input_shape=(150, 150, 3))
    base = keras.Model(inception.input, inception.get_layer("mixed7").output)
    if weights:
        base.load_weights(weights)
    base.trainable = False
    x = layers.Flatten()(base.output)
    x = layers.Dense(1024, activation="relu")(x)
    x = layers.Dropout(0.2)(x)
    model = keras.Model(base.input, layers.Dense(1, activation="sigmoid")(x))
    optimizer = keras.optimizers.RMSprop(learning_rate=1e-4)
    model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"])
    return model


if __name__ == "__main__":
    main()
