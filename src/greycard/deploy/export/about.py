"""Metadata inside an exported file: label names, input and output, and the recipe."""

from __future__ import annotations

import json
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from greycard.core.records import to_json
from greycard.deploy.export.web_page import fill_in
from greycard.evaluation.intervals import accuracy_interval
from greycard.evaluation.rejection.record import Rejection
from greycard.models.strangeness import NAME as STRANGENESS
from greycard.runs.record import RunRecord
from greycard.runs.schema import Summary
from greycard.tasks.multilabel import MultiLabel

MEMBER = "greycard.json"
"""The metadata's file name in exports that are, or may contain, zip archives, and in a SavedModel's assets.extra/."""


def describe(run: RunRecord, rejection: Rejection | None) -> dict[str, Any]:
    """Label names, input, outputs, what is refused, accuracy, and the recipe's SHA-256.

    Args:
        run: the run.
        rejection: the promise with the limit of this export; None if it refuses no image.
    """
    data = run.recipe.data
    height, width = data.image_size or (0, 0)
    shape = [None, height, width, data.channels]
    summary = run.summary
    return {
        "name": run.name,
        "classes": list(run.classes),
        "input": {"dtype": "uint8", "shape": shape, "values": "0 to 255", "resize": data.resize},
        "outputs": _outputs(run),
        "refuse_above": rejection.limit if rejection else None,
        "refuse_share": rejection.share if rejection else None,
        "temperature": run.temperature,
        "validation": {"images": summary.val_images, **_figures(summary)},
        **_thresholds(run),
        "recipe_sha256": run.recipe.digest,
        "dataset": data.dataset,
        "greycard": version("greycard"),
    }


def _figures(summary: Summary) -> dict[str, Any]:
    """The accuracy; the mean average precision of several labels; or the mean absolute error of numbers."""
    if summary.numbers:
        scores = summary.numbers.validation
        error = {"value": scores.mae, "low": scores.mae_interval[0], "high": scores.mae_interval[1]}
        return {"mean_absolute_error": error}
    if summary.labels:
        figure = summary.labels.mean_average_precision
        return {"mean_average_precision": None if figure is None else to_json(figure)}
    accuracy = summary.val_accuracy or 0.0
    return {"accuracy": accuracy, "interval": accuracy_interval(accuracy, summary.val_images)}


def _thresholds(run: RunRecord) -> dict[str, Any]:
    """From these probabilities on an image has a label, if it can have several."""
    task = run.calibrated_task
    return {"thresholds": task.limits.tolist()} if isinstance(task, MultiLabel) else {}


def _outputs(run: RunRecord) -> dict[str, Any]:
    """The outputs by name; `index` is their place in formats without names."""
    probabilities = {"index": 0, "dtype": "float32", "shape": [None, len(run.classes)]}
    calibrated = {**probabilities, "values": "calibrated probabilities"}
    found: dict[str, Any] = {"probabilities": calibrated if run.task.has_classes else _number(run)}
    if run.rejection is not None:
        values = "distance from the training images; above refuse_above: none of these"
        found[STRANGENESS] = {"index": 1, "dtype": "float32", "shape": [None, 1], "values": values}
    return found


def _number(run: RunRecord) -> dict[str, Any]:
    """The output of a regression: half the width of its prediction intervals, and the training numbers."""
    numbers, target = run.summary.numbers, run.target
    reach = None if numbers is None or numbers.reach is None else to_json(numbers.reach)
    named = {"index": 0, "dtype": "float32", "shape": [None, 1]}
    learned = {} if target is None else {**to_json(target), "decimals": target.decimals}
    return {**named, "values": "a number in the unit of the labels", "interval": reach, **learned}


def embed(facts: dict[str, Any], place: Path) -> None:
    """Write the metadata into the exported file.

    A `.keras` file is a zip archive; a `.tflite` file may be followed by one, as LiteRT's own metadata are; ONNX has
    properties; a page has an element for them; a SavedModel has a folder for what is not TensorFlow's; OpenVINO's
    folder may have more files.
    """
    if place.is_dir():
        folder = place / "assets.extra" if (place / "saved_model.pb").is_file() else place
        folder.mkdir(exist_ok=True)
        (folder / MEMBER).write_text(json.dumps(facts, indent=2), encoding="utf-8")
    elif place.suffix == ".html":
        fill_in(place, facts)
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
