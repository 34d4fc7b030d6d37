"""The question whether a layer has exactly the settings that a faster operation computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import layers

PRECISIONS = ("float32", "mixed_bfloat16")
"""Supported Keras policies: they compute in float32 or bfloat16, and their weights are float32."""


def has_settings(layer: keras.Layer, settings: Mapping[str, Any]) -> bool:
    """True if the layer's attributes have these values."""
    return all(getattr(layer, name) == value for name, value in settings.items())


_NORM = {
    "scale": True,
    "center": True,
    "renorm": False,
    "synchronized": False,
    "trainable": True,
    "activity_regularizer": None,
}


def is_batch_norm(layer: keras.Layer) -> bool:
    """True if the layer is exactly Keras's batch norm of images, trained with all its weights."""
    return (
        type(layer) is layers.BatchNormalization
        and len(layer.input.shape) == 4
        and layer.axis in (3, -1)
        and has_settings(layer, _NORM)
        and layer.dtype_policy.name in PRECISIONS
    )
