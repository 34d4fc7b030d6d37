"""Keras's own file, a zip archive of the graph and its weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from greycard.deploy.export.format import Format

if TYPE_CHECKING:
    import numpy as np

    from greycard.backend.inference import Engine
    from greycard.deploy.classifier import Classifier


def _write(classifier: Classifier, place: Path, _: np.ndarray) -> None:
    classifier.model.save(place)


def _open(place: Path) -> Engine:
    import keras

    from greycard.backend.inference import by_keras
    from greycard.models.calibrated import in_one_row

    return by_keras(in_one_row(keras.saving.load_model(place, compile=False, safe_mode=True)))


KERAS = Format("keras", ".keras", _write, _open, tensorflow=False)
