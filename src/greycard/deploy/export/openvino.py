"""OpenVINO's format, a folder with the graph (model.xml) and its weights (model.bin).

The graph comes from the LiteRT file: OpenVINO's runtime reads that format, and its converters, which report their use
to its maker, are not needed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from greycard.deploy.export.format import Format

if TYPE_CHECKING:
    import numpy as np

    from greycard.backend.inference import Engine
    from greycard.deploy.classifier import Classifier

_GRAPH = "model.xml"


def _write(classifier: Classifier, place: Path, _: np.ndarray) -> None:
    import openvino

    from greycard.backend.litert import convert
    from greycard.backend.openvino import core

    with tempfile.TemporaryDirectory() as folder:  # it reads this format only from a file
        file = Path(folder, "model.tflite")
        file.write_bytes(convert(classifier.model))
        model = core().read_model(str(file))
        place.mkdir()
        openvino.save_model(model, str(place / _GRAPH), compress_to_fp16=False)


def _open(place: Path) -> Engine:
    import numpy as np

    from greycard.backend.openvino import core
    from greycard.core.threads import thread_count

    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": thread_count().count}
    compiled = core().compile_model(str(place / _GRAPH), "CPU", settings)
    return lambda images: np.concatenate([*compiled(images).to_tuple()], axis=-1)


OPENVINO = Format("openvino", "-openvino", _write, _open, needs=("openvino",), extra="openvino")
