"""The question whether a layer has exactly the settings that a faster operation computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

PRECISIONS = ("float32", "mixed_bfloat16")
"""Supported Keras policies: they compute in float32 or bfloat16, and their weights are float32."""


def has_settings(layer: keras.Layer, settings: Mapping[str, Any]) -> bool:
    """True if the layer's attributes have these values."""
    return all(getattr(layer, name) == value for name, value in settings.items())
