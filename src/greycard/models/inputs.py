"""The input tensors of all models, and the pixel scaling for families trained from scratch."""

from __future__ import annotations

import keras
from keras import Operation, layers

from greycard.models.graph import producer


def image_input(size: tuple[int, int], channels: int) -> keras.KerasTensor:
    """The input for images: uint8 (b, height, width, channels)."""
    return keras.Input((*size, channels), dtype="uint8", name="pixels")


def number_input(features: int) -> keras.KerasTensor:
    """The input for numbers: float32 (b, features)."""
    return keras.Input((features,), dtype="float32", name="numbers")


def add_scaling(pixels: keras.KerasTensor) -> tuple[keras.KerasTensor, Operation]:
    """Scale pixels from 0 to 255 to float32 from 0 to 1; returns the tensor and the layer."""
    scaled = layers.Rescaling(1 / 255, name="scaling")(pixels)
    return scaled, producer(scaled)
