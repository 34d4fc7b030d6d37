"""Metadata inside an exported file: label names, input and output, and the recipe."""

from __future__ import annotations

import json
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from greycard.evaluation.rejection.record import Rejection
from greycard.models.strangeness import NAME as STRANGENESS
from greycard.runs.record import RunRecord

MEMBER = "greycard.json"
"""The metadata's file name in exports that are, or may contain, zip archives, and in a SavedModel's assets.extra/."""


def describe(run: RunRecord, rejection: Rejection | None) -> dict[str, Any]:
    """Label names, input, outputs, what is refused, and the recipe's SHA-256.

    Args:
        run: the run.
        rejection: the promise with the limit of this export; None if it refuses no image.
    """
    data = run.recipe.data
    height, width = data.image_size or (0, 0)
    shape = [None, height, width, data.channels]
    return {
        "classes": list(run.classes),
        "input": {"dtype": "uint8", "shape": shape, "values": "0 to 255", "resize": data.resize},
        "outputs": _outputs(run),
        "refuse_above": rejection.limit if rejection else None,
        "refuse_share": rejection.share if rejection else None,
        "temperature": run.temperature,
        "recipe_sha256": run.recipe.digest,
        "dataset": data.dataset,
        "greycard": version("greycard"),
    }


def _outputs(run: RunRecord) -> dict[str, Any]:
    """The outputs by name; `index` is their place in formats without names."""
    probabilities = {"index": 0, "dtype": "float32", "shape": [None, len(run.classes)]}
    found = {"probabilities": {**probabilities, "values": "calibrated probabilities"}}
    if run.rejection is not None:
        values = "distance from the training images; above refuse_above: none of the classes"
        found[STRANGENESS] = {"index": 1, "dtype": "float32", "shape": [None, 1], "values": values}
    return found


def embed(facts: dict[str, Any], place: Path) -> None:
    """Write the metadata into the exported file.

    A `.keras` file is a zip archive; a `.tflite` file may be followed by one, as LiteRT's own metadata are; ONNX has
    properties; a SavedModel has a folder for what is not TensorFlow's.
    """
    if place.is_dir():
        (place / "assets.extra").mkdir(exist_ok=True)
        (place / "assets.extra" / MEMBER).write_text(json.dumps(facts, indent=2), encoding="utf-8")
    elif place.suffix == ".onnx":
        _embed_in_onnx(facts, place)
    else:
        with zipfile.ZipFile(place, "a") as archive:
            archive.writestr(MEMBER, json.dumps(facts, indent=2))


def _embed_in_onnx(facts: dict[str, Any], place: Path) -> None:
    import onnx

    model = onnx.load(place)
    onnx.helper.set_model_props(model, {"greycard": json.dumps(facts)})
    onnx.save(model, place)
