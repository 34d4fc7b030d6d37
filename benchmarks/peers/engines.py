"""Feature engines as an expert uses them, without Greycard: LiteRT and OpenVINO, one image at a time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Engine = Callable[[np.ndarray], np.ndarray]
"""uint8 (n, height, width, 3) to float32 (n, features)."""


def litert(model: bytes) -> Engine:
    """LiteRT with XNNPACK on all cores; one image at a time is its fastest batch."""
    import tensorflow

    interpreter = tensorflow.lite.Interpreter(model_content=model, num_threads=os.cpu_count())
    (given,), (found,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(given["index"], [1, *given["shape"][1:]])
    interpreter.allocate_tensors()

    def run(images: np.ndarray) -> np.ndarray:
        rows = []
        for image in images:
            interpreter.set_tensor(given["index"], image[None])
            interpreter.invoke()
            rows.append(interpreter.get_tensor(found["index"])[0])
        return np.stack(rows)

    return run


def openvino(model: bytes, precision: str) -> Engine:
    """OpenVINO with its own setting for many images, `THROUGHPUT`, and as many requests as it asks for.

    Args:
        model: in LiteRT's format.
        precision: `f32` or `bf16`.
    """
    import openvino as ov

    core = ov.Core()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.tflite")
        file.write_bytes(model)
        network = core.read_model(str(file))
    network.reshape([1, *(side.get_length() for side in list(network.inputs[0].partial_shape)[1:])])
    settings = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "THROUGHPUT"}
    queue = ov.AsyncInferQueue(core.compile_model(network, "CPU", settings))

    def run(images: np.ndarray) -> np.ndarray:
        rows: list[Any] = [None] * len(images)

        def keep(request: Any, place: int) -> None:
            rows[place] = request.get_output_tensor(0).data[0].copy()

        queue.set_callback(keep)
        for place, image in enumerate(images):
            queue.start_async({0: image[None]}, place)
        queue.wait_all()
        return np.stack(rows)

    return run
