"""How many training steps go into one call, so that small steps do not wait for Python."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

_MOST_STEPS, _MOST_BYTES = 32, 1 << 20
"""Limits of steps per call and their images' bytes: for larger images the cost of a call is small against the step."""

_DENSE = (layers.InputLayer, layers.Rescaling, layers.Flatten, layers.Dense, layers.Dropout)
"""Layers that XLA runs at least as fast as TensorFlow on a CPU. It is slower on convolutions and lacks some layers."""


def is_dense(model: keras.Model) -> bool:
    """True if XLA should compile the whole step on a CPU."""
    return all(type(layer) in _DENSE for layer in model.layers)


def steps_together(model: keras.Model, batch_size: int) -> int:
    """The number of steps per call that is worth it for batches of this size."""
    bytes_a_step = batch_size * int(np.prod(model.input_shape[1:])) * np.dtype(model.input.dtype).itemsize
    return max(1, min(_MOST_STEPS, _MOST_BYTES // bytes_a_step))
