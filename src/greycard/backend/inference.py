"""A trained model's outputs, computed by the fastest engine that agrees with Keras.

On a CPU that is LiteRT. Greycard uses it only if its outputs on test images agree with those of Keras. In every other
case Keras computes the outputs.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import keras
import numpy as np

from greycard.backend.choices import is_faster
from greycard.backend.litert import LiteRT, SingleImages, convert
from greycard.backend.start import describe

TOLERANCE = 1e-4
"""The largest allowed difference between the outputs of LiteRT and Keras, relative to the largest output.

Rounding in float32 stays far below it, even through many layers (5e-6 with MobileNetV2). Rounding in float16 or
bfloat16 exceeds it, so an engine that computes in lower precision is rejected.
"""

_TIMED = 8
"""Images with which the engine is timed."""

Engine = Callable[[np.ndarray], np.ndarray]
"""uint8 images (n, height, width, channels) to float32 outputs (n, …), in inference mode."""


def by_keras(model: keras.Model) -> Engine:
    """Keras itself: slower for each image, but ready at once."""
    return lambda images: np.asarray(model.predict_on_batch(images))


def fastest(model: keras.Model) -> Engine:
    """The fastest engine for a model; its preparation takes some seconds.

    Args:
        model: takes pixels and returns features or probabilities.
    """
    slow, facts = by_keras(model), describe()
    if facts["backend"] != "tensorflow" or facts["device"] != "CPU":
        return slow
    try:
        converted = convert(model)
        quick = LiteRT(converted)
        probe = np.random.default_rng(0).integers(0, 256, (2, *model.input_shape[1:]), dtype=np.uint8)
        agrees = _agree(quick(probe), slow(probe))
    except Exception:  # LiteRT does not support a layer, or is missing in this TensorFlow: Keras computes every model
        return slow
    return _faster(quick, converted, model) if agrees else slow


def _faster(batches: LiteRT, converted: bytes, model: keras.Model) -> Engine:
    """The engine itself, or one that computes batches image by image in several threads, if that is faster.

    Both compute the same numbers. A single image is always computed with all threads.
    """
    images = np.random.default_rng(0).integers(0, 256, (_TIMED, *model.input_shape[1:]), dtype=np.uint8)
    singles = SingleImages(converted)
    if is_faster(_seconds(singles, images), _seconds(batches, images)):
        return lambda images: singles(images) if len(images) > 1 else batches(images)
    return batches


def _seconds(engine: Engine, images: np.ndarray) -> float:
    engine(images)  # another size of batch is prepared first
    taken = []
    for _ in range(3):
        begun = time.perf_counter()
        engine(images)
        taken.append(time.perf_counter() - begun)
    return min(taken)


def _agree(found: np.ndarray, expected: np.ndarray) -> bool:
    return bool(np.abs(found - expected).max() <= TOLERANCE * np.abs(expected).max())
