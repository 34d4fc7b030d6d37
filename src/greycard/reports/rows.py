"""One run as one row of plain values, finished or not."""

from __future__ import annotations

from typing import Any

from greycard.evaluation.intervals import accuracy_interval
from greycard.evaluation.metrics import kept_text
from greycard.reports.headline import unfinished
from greycard.runs.record import RunRecord

_FIGURES = (
    "train_images", "val_images", "train_accuracy", "train_accuracy_after", "val_accuracy", "best_val_accuracy",
    "best_epoch", "kept_epoch", "train_loss", "val_loss", "seconds_per_epoch", "first_epoch_seconds", "total_seconds",
    "parameters", "machine",
)  # fmt: skip
_PUBLISHED = ("train_images", "val_images", "epochs", "train_accuracy", "val_accuracy", "seconds_per_epoch", "note")


def row_of(run: RunRecord) -> dict[str, Any]:
    """The values behind a table line: accuracies as fractions, times in seconds, None where there is no figure."""
    summary = run.summary if run.finished else {}
    low, high = _interval(summary)
    published = summary.get("published") or {}
    return {
        "run": run.name,
        "project": run.recipe.name,
        "status": "finished" if run.finished else "unfinished",
        "dataset": run.recipe.data.dataset,
        "task": run.task.description,
        "architecture": run.recipe.architecture,
        "epochs": summary["epochs"] if run.finished else len(run.history),
        "epochs_planned": run.recipe.training.epochs,
        **{name: summary.get(name) for name in _FIGURES},
        "val_low": low,
        "val_high": high,
        "seed": run.recipe.training.seed,
        "precision": run.recipe.training.precision,
        "diagnosis": ", ".join(verdict["name"] for verdict in summary.get("diagnosis") or []),
        "note": _note(run, summary),
        **{f"published_{name}": published.get(name) for name in _PUBLISHED},
    }


def _interval(summary: dict[str, Any]) -> tuple[float | None, float | None]:
    """The 95 % interval of the validation accuracy."""
    accuracy = summary.get("val_accuracy")
    return (None, None) if accuracy is None else accuracy_interval(accuracy, summary["val_images"])


def _note(run: RunRecord, summary: dict[str, Any]) -> str:
    if not run.finished:
        return unfinished(run)
    kept = kept_text(summary)
    said = summary.get("stopped") or (summary.get("answer") or "").split(":")[0]
    return "; ".join(part for part in (kept and f"kept: {kept}", said) if part)
