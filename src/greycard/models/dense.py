"""Layers between the feature map and the head: pooling, dense layers, dropout."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from greycard.core.errors import GreycardError
from greycard.core.memory import available_bytes

_BYTES_PER_WEIGHT = 12
"""Minimum: the weight, its gradient, and one value of the optimizer."""


def add_pooling(feature_map: keras.KerasTensor, pooling: str) -> keras.KerasTensor:
    """Pool a feature map to the feature vector (b, features); a vector stays unchanged.

    Args:
        feature_map: (b, rows, columns, filters), or (b, features).
        pooling: `average` over all positions, or `flatten`.
    """
    if pooling == "average" and len(feature_map.shape) == 4:
        return layers.GlobalAveragePooling2D(name="features")(feature_map)
    return layers.Flatten(name="features")(feature_map)


def add_dense(
    x: keras.KerasTensor, dense: Sequence[int], *, feature_dropout: float = 0.0, dropout: float = 0.0
) -> keras.KerasTensor:
    """Add dense layers with ReLU; dropout before the first and after the last, unless it is 0.

    Raises:
        GreycardError: a layer does not fit into memory.
    """
    if feature_dropout:
        x = layers.Dropout(feature_dropout, name="feature_dropout")(x)
    for position, units in enumerate(dense, start=1):
        _expect_room(x.shape[-1], units)
        x = layers.Dense(units, activation="relu", name=f"dense{position}")(x)
    return layers.Dropout(dropout, name="dropout")(x) if dropout else x


def _expect_room(features: int, units: int) -> None:
    """Refuse a dense layer that does not fit into memory, as on the flattened features of a large image."""
    needed, room = features * units * _BYTES_PER_WEIGHT, available_bytes()
    if needed > room:
        raise GreycardError(
            f"a dense layer of {units:,} units on {features:,} features needs at least {needed / 1e9:,.1f} GB of"
            f" memory; {room / 1e9:,.1f} GB are free",
            hint="use smaller images (--set image_size=…), --set pooling=average, or fewer units (--set dense=…)",
        )
