"""Features in bfloat16 by OpenVINO: about twice as fast as LiteRT on a processor that has it, and rounded.

OpenVINO is an optional package. Its converters report their use to its maker; Greycard uses none of them, only the
runtime, which reads LiteRT's format.
"""

from __future__ import annotations

import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from greycard.core.threads import thread_count


def is_installed() -> bool:
    """True if the package can be imported."""
    return find_spec("openvino") is not None


@cache
def core() -> Any:
    """OpenVINO's core, one for the whole process.

    A core that computes on the CPU gives the thread another stack for signal handlers, and restores the one before it
    at its end. If two of them end in the order in which they began, the thread is left with a stack whose memory is
    free, and the next signal, such as Ctrl-C, ends the process at once (SIGSEGV; OpenVINO 2026.4).
    """
    import openvino

    return openvino.Core()


class OpenVino:
    """A converted model that computes each image in bfloat16 with one thread, and one image per thread at a time.

    Args:
        model: the model in LiteRT's format.

    Raises:
        Exception: of many types, if OpenVINO does not support a layer.
    """

    def __init__(self, model: bytes) -> None:
        import openvino

        count = thread_count().count
        settings = {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": count, "NUM_STREAMS": count}
        with tempfile.TemporaryDirectory() as folder:  # it reads this format only from a file
            file = Path(folder, "model.tflite")
            file.write_bytes(model)
            compiled = core().compile_model(core().read_model(str(file)), "CPU", settings)
        self._queue = openvino.AsyncInferQueue(compiled, 2 * count)  # half of them wait, so that no thread has to

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Outputs float32 (n, …) for at least one input."""
        found: dict[int, np.ndarray] = {}

        def keep(request: Any, place: int) -> None:
            found[place] = request.get_output_tensor(0).data[0].copy()  # the next image overwrites the request's array

        self._queue.set_callback(keep)
        for place in range(len(inputs)):
            self._queue.start_async({0: inputs[place : place + 1]}, place)
        self._queue.wait_all()
        return np.stack([found[place] for place in range(len(inputs))])
