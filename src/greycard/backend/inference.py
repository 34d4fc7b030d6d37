"""A trained model's answers by the fastest engine that agrees with Keras.

On a CPU that is LiteRT. It is used only where its answers on a probe agree with Keras's; whatever else happens, Keras
computes them.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from greycard.backend.litert import LiteRT, convert
from greycard.backend.start import describe

TOLERANCE = 1e-4
"""The most that LiteRT's answers may differ from Keras's, as a share of the largest one.

Rounding in float32 gives less, through many layers, too (5e-6 with MobileNetV2); in float16 or bfloat16 it gives more.
"""

Engine = Callable[[np.ndarray], np.ndarray]
"""uint8 images (n, height, width, channels) to float32 outputs (n, …), in inference mode."""


def by_keras(model: keras.Model) -> Engine:
    """Keras itself, which starts at once."""
    return lambda images: np.asarray(model.predict_on_batch(images))


def fastest(model: keras.Model) -> Engine:
    """What computes the model's outputs soonest; takes some seconds to prepare.

    Args:
        model: pixels in; features or probabilities out.
    """
    slow, facts = by_keras(model), describe()
    if facts["backend"] != "tensorflow" or facts["device"] != "CPU":
        return slow
    try:
        quick = LiteRT(convert(model))
        probe = np.random.default_rng(0).integers(0, 256, (2, *model.input_shape[1:]), dtype=np.uint8)
        agrees = _agree(quick(probe), slow(probe))
    except Exception:  # a layer LiteRT does not know, a TensorFlow without it: Keras can do all of it
        return slow
    return quick if agrees else slow


def _agree(found: np.ndarray, expected: np.ndarray) -> bool:
    return bool(np.abs(found - expected).max() <= TOLERANCE * np.abs(expected).max())
