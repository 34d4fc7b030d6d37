"""A one-sentence summary of a run."""

from __future__ import annotations

from greycard.core.errors import command
from greycard.recipe import Recipe
from greycard.reports.columns import loss_text, seconds
from greycard.reports.reported import reported
from greycard.runs.directory import is_in_training
from greycard.runs.record import RunRecord


def unfinished(run: RunRecord) -> str:
    """The progress of an unfinished run."""
    state = f"unfinished: {len(run.history)} of {run.recipe.training.epochs} epochs"
    return f"{state}, in training" if is_in_training(run.path) else state


def unfinished_hint(run: RunRecord) -> str:
    """The progress of an unfinished run, and how to resume it."""
    return unfinished(run) + ("" if is_in_training(run.path) else f"; resume it with `{command('resume', run.path)}`")


def headline(run: RunRecord) -> str:
    """What was trained, its accuracy with an interval, and its diagnosis."""
    summary, recipe = run.summary, run.recipe
    figure = reported(run)
    if figure is None:
        loss = loss_text(summary.val_loss)
        return summary.answer or f"a regression on {recipe.data.dataset}, validation loss {loss}"
    names = [verdict.name for verdict in summary.diagnosis]
    found = (
        f" It is {', '.join(names)}." if names == ["healthy"] else f" Diagnosis: {', '.join(names)}." if names else ""
    )
    arithmetic = "" if recipe.training.precision == "float32" else f" (trained in {precision_line(recipe)})"
    kept = figure.chosen and summary.kept
    chosen = f" Its weights are from {kept}, so the accuracy is slightly optimistic." if kept else ""
    return (
        f"{recipe.architecture}, trained on {recipe.data.dataset} in {seconds(summary.time.total_seconds)}{arithmetic},"
        f" is right on {figure.accuracy} of {figure.measured_on}; on similar images probably"
        f" {figure.interval}.{chosen}{found}"
    )


def precision_line(recipe: Recipe) -> str:
    """The precision of training; figures are always measured in float32."""
    return "float32" if recipe.training.precision == "float32" else f"{recipe.training.precision}, measured in float32"
