"""LiteRT files, in floating point and in 8-bit integers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from greycard.deploy.export.format import Format

if TYPE_CHECKING:
    import numpy as np

    from greycard.backend.inference import Engine
    from greycard.deploy.classifier import Classifier


def _write(classifier: Classifier, place: Path, _: np.ndarray) -> None:
    from greycard.backend.litert import convert

    place.write_bytes(convert(classifier.model))


def _write_int8(classifier: Classifier, place: Path, images: np.ndarray) -> None:
    from greycard.backend.litert import convert
    from greycard.models.strangeness import NAME

    model = classifier.model
    place.write_bytes(convert(model, images, NAME if NAME in model.output else ""))


def _open(place: Path) -> Engine:
    from greycard.backend.litert import LiteRT

    return LiteRT(place)


LITERT = Format("litert", ".tflite", _write, _open)
LITERT_INT8 = Format("litert-int8", "-int8.tflite", _write_int8, _open, exact=False)
