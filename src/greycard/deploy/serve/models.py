"""The runs that a server serves, each with its engine and heat map prepared."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from greycard.backend.inference import Engine
from greycard.core.errors import GreycardError
from greycard.deploy.classifier import Classifier
from greycard.deploy.predict import Prediction
from greycard.deploy.rules import DEFAULT, NO_RULES, Rules, promise_of
from greycard.evaluation.intervals import accuracy_interval
from greycard.evaluation.rejection.record import Rejection
from greycard.explain.gradcam import Heat, heat_of
from greycard.reports.explanation import LEAST, overlaid
from greycard.runs.numbers import NumberFigures
from greycard.runs.record import RunRecord


@dataclass(frozen=True)
class Served:
    """One run, ready to predict.

    Attributes:
        name: the run's name.
        classifier: its classifier.
        engine: the fastest function from images to rows.
        heat: Grad-CAM of an image for a class; None for a network without convolutions.
        facts: its description in the API.
        rules: what is refused.
    """

    name: str
    classifier: Classifier
    engine: Engine
    heat: Heat | None
    facts: dict[str, Any]
    rules: Rules = NO_RULES

    def explained(self, found: Prediction) -> int:
        """The output that a heat map explains: the predicted class, or the only number."""
        return self.classifier.classes.index(found.label) if found.value is None else 0

    def heat_png(self, pixels: np.ndarray, label: int) -> str | None:
        """A heat map over an image uint8 (height, width, channels), as a data URL.

        All images use the same scale, 0 to 100 points of probability. None if no region changes it by a point.
        """
        if self.heat is None:
            return None
        heat = self.heat(pixels, label)
        if heat.max() < LEAST:
            return None
        shown = overlaid(pixels, heat)
        _, png = cv2.imencode(".png", shown[..., ::-1])
        return f"data:image/png;base64,{base64.b64encode(png.tobytes()).decode()}"


def make_ready(runs: Sequence[tuple[RunRecord, Classifier]], refuse: float | str | None = DEFAULT) -> dict[str, Served]:
    """Prepare the runs and their engines, and try each engine once.

    Args:
        runs: each with its classifier.
        refuse: at most this share of own images is refused, as for `rules_of`.

    Raises:
        GreycardError: two runs have the same name.
    """
    names = [run.name for run, _ in runs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise GreycardError(
            f"two runs have the name {twice}; expected different names",
            hint="pass each run once, or rename one of the folders",
        )
    return {run.name: _ready(run, classifier, refuse) for run, classifier in runs}


def _ready(run: RunRecord, classifier: Classifier, refuse: float | str | None) -> Served:
    promised = promise_of(run.name, run.rejection, refuse)
    engine, rules = classifier.rows, Rules(promised.limit if promised else None)
    trained, middle = classifier.trained, run.recipe.prediction.center_crop
    heat = heat_of(trained, run.task, run.temperature, middle) if trained.feature_layer else None
    blank = np.zeros((*(run.recipe.data.image_size or ()), run.recipe.data.channels), np.uint8)
    engine(blank[None])  # the first call is slow
    if heat:
        heat(blank, 0)
    return Served(run.name, classifier, engine, heat, _facts(run, heat is not None, promised), rules)


def _number_facts(numbers: NumberFigures) -> dict[str, Any]:
    """The error of a regression and the range of its training numbers."""
    scores, target, reach = numbers.validation, numbers.target, numbers.reach
    return {
        "val_mae": scores.mae,
        "val_mae_interval": list(scores.mae_interval),
        "val_r2": scores.r2,
        "lowest": target.lowest,
        "highest": target.highest,
        "decimals": target.decimals,
        "interval_share": None if reach is None else reach.share,
    }


def _facts(run: RunRecord, heat: bool, promised: Rejection | None) -> dict[str, Any]:
    summary, accuracy = run.summary, run.summary.val_accuracy
    average = summary.labels.mean_average_precision if summary.labels else None
    return {
        "name": run.name,
        "classes": list(run.classes),
        "number": None if summary.numbers is None else _number_facts(summary.numbers),
        "architecture": run.recipe.architecture,
        "dataset": run.recipe.data.dataset,
        "image_size": list(run.recipe.data.image_size or ()),
        "channels": run.recipe.data.channels,
        "resize": run.recipe.data.resize,
        "val_accuracy": accuracy,
        "val_accuracy_interval": None if accuracy is None else list(accuracy_interval(accuracy, summary.val_images)),
        "val_mean_average_precision": average.value if average else None,
        "val_images": summary.val_images,
        "heat": heat,
        "refuse_share": promised.share if promised else None,
    }
