"""A one-sentence summary of a run."""

from __future__ import annotations

from greycard.core.errors import command
from greycard.evaluation.label_scores import LabelScores
from greycard.recipe import Recipe
from greycard.reports.columns import figure_text, loss_text, seconds
from greycard.reports.reported import NOT_CHOSEN, reported, reported_scores
from greycard.runs.directory import is_in_training
from greycard.runs.numbers import NumberFigures
from greycard.runs.record import RunRecord
from greycard.runs.schema import Summary


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
    if labels := reported_scores(run):
        return _of_labels(run, *labels)
    figure = reported(run)
    if figure is None:
        loss = loss_text(summary.val_loss)
        numbers = summary.numbers and number_headline(summary, recipe, summary.numbers)
        return summary.answer or numbers or f"a regression on {recipe.data.dataset}, validation loss {loss}"
    kept = figure.chosen and summary.kept
    chosen = f" Its weights are from {kept}, so the accuracy is slightly optimistic." if kept else ""
    return (
        f"{_made(run)} is right on {figure.accuracy} of {figure.measured_on}; on similar images probably"
        f" {figure.interval}.{chosen}{diagnosis_sentence(summary)}"
    )


def _made(run: RunRecord) -> str:
    """What was trained, on what, and in what time."""
    summary, recipe = run.summary, run.recipe
    arithmetic = "" if recipe.training.precision == "float32" else f" (trained in {precision_line(recipe)})"
    return (
        f"{recipe.architecture}, trained on {recipe.data.dataset} in {seconds(summary.time.total_seconds)}{arithmetic},"
    )


def diagnosis_sentence(summary: Summary) -> str:
    """The names of the verdicts, after a space; empty without any."""
    names = [verdict.name for verdict in summary.diagnosis]
    if names == ["healthy"]:
        return " It is healthy."
    return f" Diagnosis: {', '.join(names)}." if names else ""


def _of_labels(run: RunRecord, scores: LabelScores, kind: str) -> str:
    """The same for several labels per image."""
    kept = None if kind == NOT_CHOSEN else run.summary.kept
    chosen = f" Its weights are from {kept}, so the figures are slightly optimistic." if kept else ""
    return (
        f"{_made(run)} has a mean average precision of {figure_text(scores.mean_average_precision)} over"
        f" {len(scores.labels)} labels on {scores.images:,} {kind}, and an F1 of"
        f" {figure_text(scores.f1_micro)}.{chosen}{diagnosis_sentence(run.summary)}"
    )


def number_headline(summary: Summary, recipe: Recipe, numbers: NumberFigures) -> str:
    """What was trained, its mean error with an interval, and its diagnosis."""
    scores, target = numbers.validation, numbers.target
    low, high = map(target.text, scores.mae_interval)
    kept = f" Its weights are from {summary.kept}, so the error is slightly optimistic." if summary.kept else ""
    return (
        f"{recipe.architecture}, trained on {recipe.data.dataset} in {seconds(summary.time.total_seconds)}, is off by"
        f" {target.text(scores.mae)} on average on {scores.images:,} validation images; on similar images probably by"
        f" {low} to {high}.{kept}{diagnosis_sentence(summary)}"
    )


def precision_line(recipe: Recipe) -> str:
    """The precision of training; figures are always measured in float32."""
    return "float32" if recipe.training.precision == "float32" else f"{recipe.training.precision}, measured in float32"
