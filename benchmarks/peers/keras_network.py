"""The networks and optimizers of Keras's peers, on any backend."""

from __future__ import annotations

import keras
from keras import layers
from step_rows import StepRow


def network(row: StepRow) -> keras.Model:
    """The row's network on uint8 images."""
    inputs = keras.Input((row.size, row.size, row.channels), dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    if row.width:
        x = layers.GlobalAveragePooling2D()(_residual(x, row.width))
    else:
        for filters in row.conv:
            x = layers.Conv2D(filters, 3, activation="relu")(x)
            x = layers.MaxPooling2D()(x)
        x = layers.Flatten()(x)
    for units in row.dense:
        x = layers.Dense(units, activation="relu")(x)
    units, activation = (1, "sigmoid") if row.classes == 2 else (row.classes, "softmax")
    return keras.Model(inputs, layers.Dense(units, activation=activation, dtype="float32")(x))


def _residual(x: keras.KerasTensor, width: int) -> keras.KerasTensor:
    x = _norm(_conv(x, width))
    for stage, blocks in enumerate((1, 0, 1), start=1):
        x = _norm(layers.MaxPooling2D()(_conv(x, width * 2**stage)))
        for _ in range(blocks):
            y = _norm(_conv(_norm(_conv(x, x.shape[-1])), x.shape[-1]))
            x = layers.Add()([x, y])
    return x


def _conv(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    return layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)


def _norm(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def optimizer(row: StepRow) -> keras.optimizers.Optimizer:
    if row.optimizer == "sgd":
        return keras.optimizers.SGD(row.learning_rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
    kinds = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}
    return kinds[row.optimizer](row.learning_rate)
