"""ONNX files."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from greycard.deploy.export.format import Format

if TYPE_CHECKING:
    import numpy as np

    from greycard.backend.inference import Engine
    from greycard.deploy.classifier import Classifier


def _write(classifier: Classifier, place: Path, _: np.ndarray) -> None:
    import numpy as np

    from greycard.backend.start import muted

    model = classifier.model
    model.predict_on_batch(np.zeros((1, *model.input_shape[1:]), np.uint8))  # Keras exports what has been called
    with muted(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.export(place, format="onnx", verbose=False)


def _open(place: Path) -> Engine:
    import numpy as np
    import onnxruntime

    from greycard.core.threads import thread_count
    from greycard.models.calibrated import in_order

    threads, options = thread_count(), onnxruntime.SessionOptions()
    if threads.limited:  # else onnxruntime's own default, which leaves hyper-threads out
        options.intra_op_num_threads = threads.count
    session = onnxruntime.InferenceSession(place, options, providers=["CPUExecutionProvider"])
    name, outputs = session.get_inputs()[0].name, [output.name for output in session.get_outputs()]

    def answer(images: np.ndarray) -> np.ndarray:
        found = dict(zip(outputs, session.run(None, {name: images}), strict=True))
        return np.concatenate(in_order(found), axis=1)

    return answer


ONNX = Format("onnx", ".onnx", _write, _open, needs=("onnx", "tf2onnx", "onnxruntime"), extra="onnx")
