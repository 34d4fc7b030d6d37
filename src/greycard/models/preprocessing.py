"""Each pretrained network's preprocessing as layers, derived from Keras's own function instead of copied.

Every `preprocess_input` is the same for all pixels: it may reverse the channels, and scales and
shifts each. Four colours are therefore enough to find out all of it.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from greycard.models.application import preprocess_input
from greycard.models.imagenet import Pretrained


def add_preprocessing(pixels: keras.KerasTensor, network: Pretrained, name: str = "preprocessing") -> keras.KerasTensor:
    """Convert RGB pixels from 0 to 255, (b, height, width, 3), to the float input that the network was trained on."""
    reverse, scale, offset = _derive(network)
    if reverse:
        pixels = keras.ops.flip(pixels, axis=-1)
    return layers.Rescaling(_scalar(scale), _scalar(offset), name=name)(pixels)


def _derive(network: Pretrained) -> tuple[bool, list[float], list[float]]:
    """True if the channels are reversed; then the scale and offset of each output channel."""
    probe = np.concatenate([np.zeros((1, 3)), 255 * np.eye(3)]).astype("float32").reshape(1, 4, 1, 3)
    black, *colours = np.asarray(preprocess_input(network, probe))[0, :, 0]
    matrix = (np.array(colours) - black) / 255
    reverse = bool(abs(matrix[0, 0]) < abs(matrix[2, 0]))
    return reverse, np.diag(matrix[::-1] if reverse else matrix).tolist(), black.tolist()


def _scalar(values: list[float]) -> float | list[float]:
    return values[0] if len(set(values)) == 1 else values
