"""A recipe's model: pixels in, scaling first, probabilities out."""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from greycard.core.errors import GreycardError
from greycard.core.memory import available_bytes
from greycard.models.backbone import add_backbone
from greycard.models.head import LOSSES, add_head, metrics_for
from greycard.recipe import Recipe
from greycard.recipe.model import ConvNetConfig, MlpConfig, PretrainedConfig

_OPTIMIZERS = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop, "sgd": keras.optimizers.SGD}


_BYTES_A_WEIGHT = 12
"""At the least: the weight, its gradient, and a number of the optimizer's."""


def build_model(recipe: Recipe, classes: int, weights: Path | None = None, *, features: int = 1) -> keras.Model:
    """The compiled model of a resolved recipe.

    Its input is uint8 (b, height, width, channels), or float32 (b, features) for a regression; its output float32
    probabilities (b, classes), for two classes the second one's alone (b, 1).

    Args:
        recipe: with its task chosen.
        classes: how many; 0 for a regression.
        weights: the file of the backbone's weights; None for random ones.
        features: numbers an input has, for data that is no image.

    Raises:
        GreycardError: layers that do not fit the image's size, or what `add_backbone` raises.
    """
    assert recipe.data.task is not None
    loss = LOSSES[recipe.data.task]
    config = recipe.model
    if not isinstance(config, MlpConfig | ConvNetConfig | PretrainedConfig):
        raise GreycardError(f"the model family {config.kind} cannot be built", hint="--set model.kind=convnet")
    inputs = _inputs(recipe, features)
    vector = _dense(_features(inputs, recipe, weights), config)
    model = keras.Model(inputs, add_head(vector, loss, classes), name="greycard")
    optimizer = _OPTIMIZERS[recipe.optimizer.kind](learning_rate=recipe.optimizer.learning_rate)
    model.compile(optimizer=optimizer, loss=loss, metrics=metrics_for(loss))
    return model


def _inputs(recipe: Recipe, features: int) -> keras.KerasTensor:
    if recipe.data.image_size is None:
        return keras.Input((features,), dtype="float32", name="numbers")
    return keras.Input((*recipe.data.image_size, recipe.data.channels), dtype="uint8", name="pixels")


def _features(inputs: keras.KerasTensor, recipe: Recipe, weights: Path | None) -> keras.KerasTensor:
    """What comes before the dense layers, as a vector."""
    if recipe.data.image_size is None:
        return inputs
    config = recipe.model
    if isinstance(config, PretrainedConfig):
        feature_map = add_backbone(inputs, recipe, weights)
    else:
        feature_map = layers.Rescaling(1 / 255, name="scaling")(inputs)
    if isinstance(config, ConvNetConfig):
        feature_map = _conv(feature_map, config)
    averaged = isinstance(config, ConvNetConfig | PretrainedConfig) and config.pooling == "average"
    if averaged and len(feature_map.shape) == 4:
        return layers.GlobalAveragePooling2D(name="features")(feature_map)
    return layers.Flatten(name="features")(feature_map)


def _conv(x: keras.KerasTensor, config: ConvNetConfig) -> keras.KerasTensor:
    """3×3 convolutions, valid padding, ReLU, each followed by 2×2 max pooling."""
    height, width = x.shape[1:3]
    for position, filters in enumerate(config.conv, start=1):
        if min(x.shape[1:3]) < 4:
            raise GreycardError(
                f"{len(config.conv)} convolutions with pooling do not fit images of {height}×{width} pixels:"
                f" {x.shape[1]}×{x.shape[2]} are left before number {position}, which needs 4×4",
                hint="use fewer (--set conv=…) or larger images (--set image_size=…)",
            )
        x = layers.Conv2D(filters, 3, activation="relu", name=f"conv{position}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{position}")(x)
    return x


def _dense(x: keras.KerasTensor, config: MlpConfig | ConvNetConfig | PretrainedConfig) -> keras.KerasTensor:
    if not isinstance(config, MlpConfig) and config.feature_dropout:
        x = layers.Dropout(config.feature_dropout, name="feature_dropout")(x)
    for position, units in enumerate(config.dense, start=1):
        _expect_room(x.shape[-1], units)
        x = layers.Dense(units, activation="relu", name=f"dense{position}")(x)
    return layers.Dropout(config.dropout, name="dropout")(x) if config.dropout else x


def _expect_room(features: int, units: int) -> None:
    """The one kind of layer whose size can run away: a dense one on a large image's flattened features."""
    needed, room = features * units * _BYTES_A_WEIGHT, available_bytes()
    if needed > room:
        raise GreycardError(
            f"a dense layer of {units:,} units on {features:,} features needs at least {needed / 1e9:,.1f} GB of"
            f" memory; {room / 1e9:,.1f} GB are free",
            hint="smaller images (--set image_size=…), --set pooling=average, or fewer units (--set dense=…)",
        )
