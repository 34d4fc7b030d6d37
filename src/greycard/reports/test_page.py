"""The HTML page of one measurement on test images: figures, classes, confusions, worst mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from greycard.evaluation.label_scores import LabelScores
from greycard.evaluation.scores import scores
from greycard.reports.class_parts import class_parts
from greycard.reports.columns import percent
from greycard.reports.labels import label_parts, reported_labels
from greycard.reports.measured import difference, measurement_rows
from greycard.reports.page import mistake_parts, origin_parts, render_page, trust_part
from greycard.reports.reported import Reported
from greycard.runs.measurements import Measurement
from greycard.runs.record import RunRecord


def measurement_page(
    run: RunRecord, found: Measurement, predictions: Mapping[str, np.ndarray], mistakes: Mapping[str, np.ndarray]
) -> str:
    """The page as HTML text; it loads no other files.

    Args:
        run: the measured run.
        found: the measurement.
        predictions: `labels` and calibrated `probabilities` of the test images.
        mistakes: `ids`, `labels`, `probabilities` and `images` of the worst mistakes.
    """
    labels = found.labels
    part = {
        "name": f"{run.name} on {found.data}",
        "published": None,
        "figures": [*measurement_rows(found), ("measured", found.measured)],
        **(_classes(run, found, predictions) if labels is None else _labels(run, found, labels, predictions)),
        "numbers": None,
        "mistakes": mistake_parts(run, run.calibrated_task, mistakes),
        "left_out": found.left_out,
        "stopped": None,
        "time": None,
        "verdicts": [],
        "curves": [],
        "explained": [],
        "ladder": None,
        "map": None,
        **origin_parts(run),
    }
    return render_page(str(part["name"]), [part])


def _classes(run: RunRecord, found: Measurement, predictions: Mapping[str, np.ndarray]) -> dict[str, Any]:
    measured = scores(predictions["labels"], predictions["probabilities"], run.classes)
    return {
        "headline": f"The test accuracy is {percent(found.accuracy, 1)}; {difference(found)}.",
        "result": Reported(found.accuracy, found.images, f"test images in {found.data}", chosen=False),
        "classes": class_parts(measured, run.classes),
        "labels": None,
        "trust": trust_part(measured, measured.calibration) if measured.calibration else None,
    }


def _labels(
    run: RunRecord, found: Measurement, labels: LabelScores, predictions: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    kind = f"test images in {found.data}"
    parts = label_parts(run, labels, predictions["labels"])
    return {
        "headline": f"All labels are right on {percent(found.accuracy, 1)} of the images; {difference(found)}.",
        "result": reported_labels(labels, kind),
        "classes": None,
        "labels": replace(parts, kind=kind, decided="the run's thresholds, which were chosen on validation images"),
        "trust": None,
    }
