"""From a run's files to what a diagnosis is made of."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from greycard.core.errors import GreycardError
from greycard.core.paths import weights_dir
from greycard.evaluation.diagnosis.diagnose import diagnose
from greycard.evaluation.diagnosis.evidence import Evidence, Verdict
from greycard.models.preferred import network_in
from greycard.recipe import Recipe
from greycard.runs.record import RunRecord
from greycard.training.recommend import LEAST_PIXELS
from greycard.training.stopping import missed_target


def verdicts(run: RunRecord) -> list[Verdict]:
    """What is wrong with a finished run; nothing for a regression.

    Raises:
        GreycardError: the run is unfinished, or a file of it is damaged.
    """
    if not run.task.has_classes:
        return []
    summary, found = run.summary, run.predictions
    guesses = run.task.decide(found["probabilities"])
    return diagnose(evidence_of(run.recipe, summary, run.history, run.classes, found["labels"], guesses, run.name))


def evidence_of(
    recipe: Recipe,
    summary: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    classes: Sequence[str],
    labels: np.ndarray,
    guesses: np.ndarray,
    run: str,
) -> Evidence:
    """The figures of one classification run; runs of before they were kept lack some.

    Args:
        recipe: the run's.
        summary: as in `summary.json`.
        history: as in `history.jsonl`.
        classes: their names.
        labels: int (validation images,), the class of each.
        guesses: int (validation images,), the likeliest class of each.
        run: the name of its folder.
    """
    data, calibration = summary.get("data") or {}, summary.get("calibration") or {}
    count = len(classes)
    return Evidence(
        history=history,
        train_images=summary["train_images"],
        val_images=summary["val_images"],
        kept_epoch=summary.get("kept_epoch"),
        train_accuracy_after=summary.get("train_accuracy_after"),
        **_of_recipe(recipe, chosen=summary["reason"] is not None),
        run=run,
        target_reached=_target_reached(recipe, summary, history),
        network=_network_here(),
        classes=classes,
        train_counts=data.get("train_counts") or (),
        val_counts=np.bincount(labels, minlength=count).tolist(),
        right_counts=np.bincount(labels[labels == guesses], minlength=count).tolist(),
        leaks=data.get("leaks"),
        leak_example=tuple(data["leak_example"]) if data.get("leak_example") else None,
        shift=data.get("shift"),
        calibration_error=calibration.get("error"),
        temperature=calibration.get("temperature"),
    )


def _of_recipe(recipe: Recipe, *, chosen: bool) -> dict[str, Any]:
    """What only the recipe decides.

    Args:
        recipe: the run's.
        chosen: whether Greycard chose it for a folder; else it is a project's.
    """
    folder = shlex.quote(recipe.data.dataset)
    return {
        "command": f"greycard train {folder}" if chosen else f"greycard run {shlex.quote(recipe.name)}",
        "folder": folder,
        "epochs_planned": recipe.training.epochs,
        "patience": recipe.stopping.patience,
        "minutes": recipe.stopping.minutes,
        "learning_rate": recipe.optimizer.learning_rate,
        "augmented": recipe.augmentation is not None,
        "pretrained": recipe.pretrained is not None,
        "tiny": recipe.data.image_size is not None and min(recipe.data.image_size) < LEAST_PIXELS,
        "grey": recipe.data.channels == 1,
    }


def _network_here() -> str | None:
    """A pretrained network whose weights are on this machine; a folder of weights that is not there has none."""
    with suppress(GreycardError):
        return network_in(weights_dir())[0]
    return None


def _target_reached(recipe: Recipe, summary: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> bool:
    images = summary["val_images"] if recipe.stopping.target_split == "validation" else summary["train_images"]
    return recipe.stopping.target_accuracy is not None and missed_target(recipe, history, images) is None


def diagnosis_line(summary: Mapping[str, Any]) -> str | None:
    """The first verdict in a line, and the names of the others; None where there is none."""
    found = summary.get("diagnosis") or []
    if not found:
        return None
    others = ", ".join(verdict["name"] for verdict in found[1:])
    return f"{found[0]['name']}: {found[0]['sentence']}" + (f" (also: {others})" if others else "")
