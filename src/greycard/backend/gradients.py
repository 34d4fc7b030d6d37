"""The gradient of a function of one array, on any backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


def gradient(function: Callable[[Any], Any], at: np.ndarray) -> np.ndarray:
    """The gradient of a scalar function of Keras operations: float32, the shape of `at`.

    Args:
        function: takes a tensor and returns a scalar tensor.
        at: the point, a float32 array.
    """
    return np.asarray(_GRADIENTS[keras.backend.backend()](function, at), dtype=np.float32)


def _by_tensorflow(function: Callable[[Any], Any], at: np.ndarray) -> Any:
    import tensorflow

    point = tensorflow.constant(at)
    with tensorflow.GradientTape() as tape:
        tape.watch(point)
        value = function(point)
    return tape.gradient(value, point)


def _by_jax(function: Callable[[Any], Any], at: np.ndarray) -> Any:
    import jax

    return jax.grad(function)(jax.numpy.asarray(at))


def _by_torch(function: Callable[[Any], Any], at: np.ndarray) -> Any:
    import torch

    point = keras.ops.convert_to_tensor(at).detach().requires_grad_(True)
    with torch.enable_grad():
        function(point).backward()
    return keras.ops.convert_to_numpy(point.grad)


_GRADIENTS: dict[str, Callable[[Callable[[Any], Any], np.ndarray], Any]] = {
    "tensorflow": _by_tensorflow,
    "jax": _by_jax,
    "torch": _by_torch,
}
