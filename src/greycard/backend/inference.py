"""A trained model's outputs, computed by the fastest engine that agrees with Keras.

On a CPU that is LiteRT, or OpenVINO where the outputs may be rounded to bfloat16. Greycard uses an engine only if its
outputs on test images agree with those of Keras. In every other case Keras computes the outputs.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import keras
import numpy as np

from greycard.backend.choices import is_faster
from greycard.backend.litert import LiteRT, SingleImages, convert
from greycard.backend.openvino import OpenVino, is_installed
from greycard.backend.precision import BFLOAT16, FLOAT32, best_precision, requested_precision
from greycard.backend.start import on_tensorflow_cpu

TOLERANCE = 1e-4
"""The largest allowed difference between the outputs of LiteRT and Keras, relative to the largest output.

Rounding in float32 stays far below it, even through many layers (5e-6 with MobileNetV2). Rounding in float16 or
bfloat16 exceeds it, so an engine that computes in lower precision is rejected.
"""

ROUNDED_TOLERANCE = 0.1
"""The same for an engine that rounds to bfloat16, on a few random images. A wrong engine is far beyond it."""

_FEWEST, _MOST, _SECONDS = 8, 32, 0.25
"""Engines are timed with as many images as take about this long, but at most with a batch of features."""

Engine = Callable[[np.ndarray], np.ndarray]
"""uint8 images (n, height, width, channels) to float32 outputs (n, …), in inference mode."""


def by_keras(model: keras.Model) -> Engine:
    """Keras itself: slower for each image, but ready at once."""
    return lambda images: np.asarray(model.predict_on_batch(images))


def rounded_precision() -> str:
    """In what `fastest` computes if it may round: `bfloat16` if OpenVINO is installed and the processor has it."""
    rounds = on_tensorflow_cpu() and is_installed() and best_precision() == BFLOAT16
    return BFLOAT16 if rounds and requested_precision() != FLOAT32 else FLOAT32


def fastest(model: keras.Model, precision: str = FLOAT32) -> Engine:
    """The fastest engine for a model; its preparation takes some seconds.

    Args:
        model: takes pixels and returns features or probabilities.
        precision: `bfloat16`, from `rounded_precision`, allows an engine that rounds to it.
    """
    slow = by_keras(model)
    if not on_tensorflow_cpu():
        return slow
    try:
        converted = convert(model)
        quick = LiteRT(converted)
        probe = np.random.default_rng(0).integers(0, 256, (2, *model.input_shape[1:]), dtype=np.uint8)
        expected = slow(probe)
        agrees = _agree(quick(probe), expected, TOLERANCE)
    except Exception:  # LiteRT does not support a layer, or is missing in this TensorFlow: Keras computes every model
        return slow
    exact = _faster(quick, converted, model) if agrees else slow
    return _rounded(exact, converted, expected, probe) if precision == BFLOAT16 else exact


def _rounded(exact: Engine, converted: bytes, expected: np.ndarray, probe: np.ndarray) -> Engine:
    """OpenVINO in bfloat16, if it is faster and about right."""
    try:
        quick = OpenVino(converted)
        agrees = _agree(quick(probe), expected, ROUNDED_TOLERANCE)
    except Exception:  # OpenVINO does not support a layer
        return exact
    images = _timed(quick, probe.shape[1:])
    return quick if agrees and is_faster(_seconds(quick, images), _seconds(exact, images)) else exact


def _faster(batches: LiteRT, converted: bytes, model: keras.Model) -> Engine:
    """The engine itself, or one that computes batches image by image in several threads, if that is faster.

    Both compute the same numbers. A single image is always computed with all threads.
    """
    images, singles = _timed(batches, model.input_shape[1:]), SingleImages(converted)
    if is_faster(_seconds(singles, images), _seconds(batches, images)):
        return lambda images: singles(images) if len(images) > 1 else batches(images)
    return batches


def _timed(engine: Engine, shape: tuple[int, ...]) -> np.ndarray:
    """Images for timing: which engine is faster depends on the size of a batch."""
    images = np.random.default_rng(0).integers(0, 256, (_MOST, *shape), dtype=np.uint8)
    begun = time.perf_counter()
    engine(images[:_FEWEST])
    an_image = (time.perf_counter() - begun) / _FEWEST
    return images[: int(np.clip(_SECONDS / an_image, _FEWEST, _MOST))]


def _seconds(engine: Engine, images: np.ndarray) -> float:
    engine(images)  # another size of batch is prepared first
    taken = []
    for _ in range(3):
        begun = time.perf_counter()
        engine(images)
        taken.append(time.perf_counter() - begun)
    return min(taken)


def _agree(found: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    return bool(np.abs(found - expected).max() <= tolerance * np.abs(expected).max())
