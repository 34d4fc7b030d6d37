"""Convert models to LiteRT (TensorFlow Lite with XNNPACK) and run them: the fastest engine on a CPU (docs/log.md)."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import keras
import numpy as np

from greycard.backend.start import muted
from greycard.core.threads import thread_count, thread_pool

_ALWAYS_EXACT = ("TOPK_V2", "SQRT")
"""Operations that stay in floating point if some do: LiteRT gives them names that do not tell what they belong to."""


def convert(
    model: keras.Model,
    representative: Iterable[np.ndarray] | None = None,
    exact: str = "",
    batch: int | None = None,
) -> bytes:
    """Convert a model to LiteRT's format.

    Args:
        model: a Keras model on the TensorFlow backend; it takes pixels.
        representative: images (height, width, channels) that show the ranges of activations. With them, LiteRT
            quantizes weights and activations to 8-bit integers where it can.
        exact: operations with this word in their names stay in floating point.
        batch: number of images that the converted model computes at a time; None for any number.

    Raises:
        Exception: of many types, if LiteRT does not support a layer.
    """
    import tensorflow

    with muted(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        call = tensorflow.function(lambda inputs: model(inputs, training=False))
        shape = tensorflow.TensorSpec((batch, *model.input_shape[1:]), model.inputs[0].dtype)
        converter = tensorflow.lite.TFLiteConverter.from_concrete_functions([call.get_concrete_function(shape)])
        if representative is None:
            return converter.convert()
        names = _names_with(exact, converter.convert()) if exact else []
        converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in representative)
        return _partly_quantized(converter, names) if names else converter.convert()


def _names_with(word: str, converted: bytes) -> list[str]:
    """The names of a converted model's operations that contain the word."""
    details = LiteRT(converted).tensors()
    return [name for name in details if word in name]


def _partly_quantized(converter: Any, exact: Sequence[str]) -> bytes:
    """Quantize all operations but these; LiteRT's tool for finding inexact operations does it."""
    import tensorflow

    tools = tensorflow.lite.experimental
    options = tools.QuantizationDebugOptions(denylisted_nodes=list(exact), denylisted_ops=list(_ALWAYS_EXACT))
    images = converter.representative_dataset
    debugger = tools.QuantizationDebugger(converter=converter, debug_dataset=images, debug_options=options)
    return bytes(debugger.get_nondebug_quantized_model())


class LiteRT:
    """A converted model; call it with a batch of any size. It serves one thread at a time.

    Args:
        model: the converted model as bytes, or its file.
        threads: with which it computes; by default all of Greycard's.
    """

    def __init__(self, model: bytes | Path, threads: int | None = None) -> None:
        source = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
        with muted(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow warns that its copy of LiteRT will move to another package
            self._interpreter = _interpreter()(**source, num_threads=threads or thread_count().count)
            self._interpreter.allocate_tensors()  # prints the name of its delegate
        first = self._interpreter.get_input_details()[0]
        self._input = first["index"]
        self._outputs = [output["index"] for output in self._interpreter.get_output_details()]
        self._prepared = tuple(first["shape"])
        self._lock = threading.Lock()

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Outputs float32 (n, …) for n inputs of the kind the model was trained on; several are joined in one row."""
        with self._lock:
            if inputs.shape != self._prepared:  # this takes less than a millisecond
                self._interpreter.resize_tensor_input(self._input, inputs.shape)
                self._interpreter.allocate_tensors()
                self._prepared = inputs.shape
            self._interpreter.set_tensor(self._input, np.ascontiguousarray(inputs))
            self._interpreter.invoke()
            found = [self._interpreter.get_tensor(output) for output in self._outputs]
        return found[0] if len(found) == 1 else np.concatenate(found, axis=-1)

    def tensors(self) -> list[str]:
        """The names of all tensors, which contain those of the operations that compute them."""
        return [tensor["name"] for tensor in self._interpreter.get_tensor_details()]


class SingleImages:
    """A converted model that computes each image with one thread, and as many images at a time as there are threads.

    What a layer writes then stays in the cache of its core, and threads wait for each other only at the end of a batch.

    Args:
        model: the converted model as bytes.
    """

    def __init__(self, model: bytes) -> None:
        self._free: SimpleQueue[LiteRT] = SimpleQueue()
        for _ in range(thread_count().count):
            self._free.put(LiteRT(model, threads=1))
        self._pool = thread_pool()

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """As `LiteRT`, for at least one input."""
        return np.concatenate(list(self._pool.map(self._one, np.split(inputs, len(inputs)))))

    def _one(self, inputs: np.ndarray) -> np.ndarray:
        engine = self._free.get()
        try:
            return engine(inputs)
        finally:
            self._free.put(engine)


def _interpreter() -> Any:
    """LiteRT's own package if it is installed, because TensorFlow will drop its copy; else TensorFlow's."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        import tensorflow

        return tensorflow.lite.Interpreter
    return Interpreter
