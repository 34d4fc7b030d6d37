"""One sentence that sums a run up."""

from __future__ import annotations

from greycard.core.errors import command
from greycard.evaluation.intervals import accuracy_interval
from greycard.recipe import Recipe
from greycard.reports.columns import loss_text, percent, seconds, span
from greycard.runs.directory import is_in_training
from greycard.runs.record import RunRecord


def unfinished(run: RunRecord) -> str:
    """How far a run has come that has no summary."""
    state = f"unfinished: {len(run.history)} of {run.recipe.training.epochs} epochs"
    return f"{state}, in training" if is_in_training(run.path) else state


def unfinished_hint(run: RunRecord) -> str:
    """The same, and how to go on."""
    return unfinished(run) + ("" if is_in_training(run.path) else f"; `{command('resume', run.path)}` goes on")


def headline(run: RunRecord) -> str:
    """What was trained, how well it does and how surely, and what stands in the way."""
    summary, recipe = run.summary, run.recipe
    if not run.task.has_classes:
        loss = loss_text(summary.val_loss)
        return summary.answer or f"a regression on {recipe.data.dataset}, validation loss {loss}"
    images, accuracy = summary.val_images, summary.val_accuracy or 0.0
    between = span(*accuracy_interval(accuracy, images))
    names = [verdict.name for verdict in summary.diagnosis]
    found = (
        f" It is {', '.join(names)}." if names == ["healthy"] else f" Diagnosis: {', '.join(names)}." if names else ""
    )
    arithmetic = "" if recipe.training.precision == "float32" else f" (trained in {precision_line(recipe)})"
    chosen = f" Its weights are of {summary.kept}, so the figure is a little optimistic." if summary.kept else ""
    return (
        f"{recipe.architecture}, trained on {recipe.data.dataset} in {seconds(summary.time.total_seconds)}{arithmetic},"
        f" is right on {percent(accuracy, 1)} of {images:,} validation images; on others of the kind it would likely be"
        f" {between}.{chosen}{found}"
    )


def precision_line(recipe: Recipe) -> str:
    """What the run was trained in; its figures are measured in float32 either way."""
    return "float32" if recipe.training.precision == "float32" else f"{recipe.training.precision}, measured in float32"
