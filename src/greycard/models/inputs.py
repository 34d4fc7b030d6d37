"""The input of every model, and the scaling of the families that are trained from scratch."""

from __future__ import annotations

import keras
from keras import Operation, layers

from greycard.models.graph import producer


def image_input(size: tuple[int, int], channels: int) -> keras.KerasTensor:
    """uint8 (b, height, width, channels)."""
    return keras.Input((*size, channels), dtype="uint8", name="pixels")


def number_input(features: int) -> keras.KerasTensor:
    """float32 (b, features)."""
    return keras.Input((features,), dtype="float32", name="numbers")


def add_scaling(pixels: keras.KerasTensor) -> tuple[keras.KerasTensor, Operation]:
    """Pixels 0 to 255 as float32 0 to 1, and the layer that does it."""
    scaled = layers.Rescaling(1 / 255, name="scaling")(pixels)
    return scaled, producer(scaled)
