"""Transfer learning as a tutorial does it: a frozen InceptionV3 to `mixed7` in the model, fed by ImageDataGenerator.

python benchmarks/plain/transfer.py cats-dogs-3k-transfer --data DIR --weights FILE --epochs 20

ArraySplit are scaled by 1/255 as the course has it, although these weights were trained on -1 to 1.
"""

from __future__ import annotations

from pathlib import Path

import keras
from folders import augmenting, learn
from keras import layers
from record import options

BATCH = {"horses-humans-transfer": 5, "cats-dogs-3k-transfer": 20}


def main() -> None:
    asked = options(tuple(BATCH))
    keras.utils.set_random_seed(asked.seed)
    batch = BATCH[asked.name]
    learn(asked, transfer(asked.weights), augmenting(), 150, batch, batch)


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
