"""TensorFlow's SavedModel, a folder."""

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
    from greycard.backend.start import muted

    with muted(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier.model.export(place, format="tf_saved_model", verbose=False)


def _open(place: Path) -> Engine:
    import keras
    import numpy as np

    from greycard.models.calibrated import in_order

    layer = keras.layers.TFSMLayer(place, call_endpoint="serving_default")
    return lambda images: np.concatenate([np.asarray(each) for each in in_order(layer(images))], axis=1)


SAVED_MODEL = Format("saved-model", "-saved-model", _write, _open)
