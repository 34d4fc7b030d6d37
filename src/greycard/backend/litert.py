"""LiteRT (TensorFlow Lite with XNNPACK), on a CPU the fastest engine (docs/benchmarks.md): converting, running."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from greycard.backend.start import muted


def convert(model: keras.Model, representative: Iterable[np.ndarray] | None = None) -> bytes:
    """The model in LiteRT's format, for any number of images at once.

    Args:
        model: a Keras model on the TensorFlow backend; pixels in.
        representative: images (height, width, channels) to find the ranges of activations with; with them, weights
            and activations become 8-bit integers wherever LiteRT can.

    Raises:
        Exception: of nearly any kind, for a layer LiteRT does not know.
    """
    import tensorflow

    with muted(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        call = tensorflow.function(lambda inputs: model(inputs, training=False))
        shape = tensorflow.TensorSpec((None, *model.input_shape[1:]), model.inputs[0].dtype)
        converter = tensorflow.lite.TFLiteConverter.from_concrete_functions([call.get_concrete_function(shape)])
        if representative is not None:
            converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([image[None]] for image in representative)
        return converter.convert()


class LiteRT:
    """A converted model, to be called with a batch of any size; calls from several threads take turns.

    Args:
        model: its content, or its file.
    """

    def __init__(self, model: bytes | Path) -> None:
        source = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
        with muted(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow announces that its copy will move to a package of its own
            self._interpreter = _interpreter()(**source, num_threads=os.cpu_count())
            self._interpreter.allocate_tensors()  # announces its delegate
        first, last = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
        self._input, self._output = first["index"], last["index"]
        self._prepared = tuple(first["shape"])
        self._lock = threading.Lock()

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Outputs float32 (n, …) of n inputs, as the model was trained on them."""
        with self._lock:
            if inputs.shape != self._prepared:  # takes a fraction of a millisecond
                self._interpreter.resize_tensor_input(self._input, inputs.shape)
                self._interpreter.allocate_tensors()
                self._prepared = inputs.shape
            self._interpreter.set_tensor(self._input, np.ascontiguousarray(inputs))
            self._interpreter.invoke()
            return self._interpreter.get_tensor(self._output)


def _interpreter() -> Any:
    """LiteRT's own package where it is installed: TensorFlow will not bring its copy for ever."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        import tensorflow

        return tensorflow.lite.Interpreter
    return Interpreter
