"""From a run's files to what a diagnosis is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from greycard.evaluation.diagnosis.diagnose import diagnose
from greycard.evaluation.diagnosis.evidence import Evidence, Verdict
from greycard.recipe import Recipe
from greycard.runs.record import RunRecord

_TINY = 40
"""Pixels a side, below which `greycard train` does not choose a pretrained network either."""


def verdicts(run: RunRecord) -> list[Verdict]:
    """What is wrong with a finished run; nothing for a regression.

    Raises:
        GreycardError: the run is unfinished, or a file of it is damaged.
    """
    if not run.classes:
        return []
    summary = run.summary
    guesses = run.predictions["probabilities"].argmax(axis=1)
    return diagnose(evidence_of(run.recipe, summary, run.history, guesses))


def evidence_of(
    recipe: Recipe, summary: Mapping[str, Any], history: Sequence[Mapping[str, Any]], guesses: np.ndarray
) -> Evidence:
    """The figures of one classification run; runs of before they were kept lack some.

    Args:
        recipe: the run's.
        summary: as in `summary.json`.
        history: as in `history.jsonl`.
        guesses: int (validation images,), the likeliest class of each.
    """
    data, calibration = summary.get("data") or {}, summary.get("calibration") or {}
    counts = data.get("val_counts") or ()
    return Evidence(
        history=history,
        train_images=summary["train_images"],
        val_images=summary["val_images"],
        train_accuracy_after=summary.get("train_accuracy_after"),
        ended_early=summary["epochs"] < recipe.epochs,
        augmented=recipe.augmentation is not None,
        pretrained=recipe.backbone is not None,
        tiny=recipe.image_size is not None and min(recipe.image_size) < _TINY,
        train_counts=data.get("train_counts") or (),
        val_counts=counts,
        guessed_counts=np.bincount(guesses, minlength=len(counts)).tolist() if counts else (),
        leaks=data.get("leaks"),
        leak_example=tuple(data["leak_example"]) if data.get("leak_example") else None,
        shift=data.get("shift"),
        calibration_error=calibration.get("error"),
        temperature=calibration.get("temperature"),
    )


def diagnosis_line(summary: Mapping[str, Any]) -> str | None:
    """The first verdict in a line, and the names of the others; None where there is none."""
    found = summary.get("diagnosis") or []
    if not found:
        return None
    others = ", ".join(verdict["name"] for verdict in found[1:])
    return f"{found[0]['name']}: {found[0]['sentence']}" + (f" (also: {others})" if others else "")
