"""A frozen network's features by the fastest engine that agrees with Keras.

On a CPU that is LiteRT (TensorFlow Lite with XNNPACK; docs/benchmarks.md). It is used only where its answers on a probe
agree with Keras's; whatever else happens, Keras computes them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from greycard.backend.start import describe, muted

TOLERANCE = 1e-3
"""The most that LiteRT's features may differ from Keras's, as a share of the largest feature."""

Extractor = Callable[[np.ndarray], np.ndarray]
"""uint8 pictures (n, height, width, channels), n up to the batch size, to float32 features (n, …)."""


def extractor(model: keras.Model, batch_size: int) -> Extractor:
    """What computes the model's outputs, in inference mode.

    Args:
        model: pixels in, features out.
        batch_size: the most pictures that one call brings.
    """

    def by_keras(images: np.ndarray) -> np.ndarray:
        return np.asarray(model.predict_on_batch(images))

    facts = describe()
    if facts["backend"] != "tensorflow" or facts["device"] != "CPU":
        return by_keras
    try:
        with muted(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            by_litert = _litert(model, batch_size)
            probe = np.random.default_rng(0).integers(0, 256, (2, *model.input_shape[1:]), dtype=np.uint8)
            agrees = _agree(by_litert(probe), by_keras(probe))
    except Exception:  # a layer LiteRT does not know, a TensorFlow without it: Keras can do all of it
        return by_keras
    return by_litert if agrees else by_keras


def _agree(found: np.ndarray, expected: np.ndarray) -> bool:
    return bool(np.abs(found - expected).max() <= TOLERANCE * np.abs(expected).max())


def _litert(model: keras.Model, batch_size: int) -> Extractor:
    """Compiled for whole batches: LiteRT plans its memory for one shape, so a smaller batch is filled up."""
    import tensorflow

    shape = (batch_size, *model.input_shape[1:])
    call = tensorflow.function(lambda images: model(images, training=False))
    concrete = call.get_concrete_function(tensorflow.TensorSpec(shape, tensorflow.uint8))
    converted = tensorflow.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    interpreter = _interpreter()(model_content=converted, num_threads=os.cpu_count())
    interpreter.allocate_tensors()
    put, get = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def features(images: np.ndarray) -> np.ndarray:
        whole = np.zeros(shape, np.uint8)
        whole[: len(images)] = images
        interpreter.set_tensor(put, whole)
        interpreter.invoke()
        return interpreter.get_tensor(get)[: len(images)]

    return features


def _interpreter() -> Any:
    """LiteRT's own package where it is installed: TensorFlow will not bring its copy for ever."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        import tensorflow

        return tensorflow.lite.Interpreter
    return Interpreter
