"""One run as one row of the table, finished or not."""

from __future__ import annotations

from dataclasses import replace

from greycard.evaluation.intervals import accuracy_interval
from greycard.evaluation.label_scores import Figure, LabelScores
from greycard.reports.columns import Row
from greycard.reports.headline import unfinished
from greycard.runs.numbers import NumberFigures
from greycard.runs.record import RunRecord
from greycard.runs.schema import Summary


def row_of(run: RunRecord) -> Row:
    """The values behind a table line."""
    row = Row(
        run=run.name,
        name=run.author,
        project=run.recipe.name,
        status="finished" if run.finished else "unfinished",
        dataset=run.recipe.data.dataset,
        task=run.task.description,
        architecture=run.recipe.architecture,
        epochs=run.summary.epochs if run.finished else len(run.history),
        epochs_planned=run.recipe.training.epochs,
        seed=run.recipe.training.seed,
        precision=run.recipe.training.precision,
    )
    return _with_figures(row, run.summary) if run.finished else replace(row, note=unfinished(run))


def _with_figures(row: Row, summary: Summary) -> Row:
    row = _with_labels(row, summary.labels)
    accuracy, numbers = summary.val_accuracy, summary.numbers
    low, high = (None, None) if accuracy is None else accuracy_interval(accuracy, summary.val_images)
    row = row if numbers is None else _with_numbers(row, numbers)
    return replace(
        row,
        train_images=summary.train_images,
        val_images=summary.val_images,
        train_accuracy=summary.train_accuracy,
        train_accuracy_after=summary.train_accuracy_after,
        val_accuracy=accuracy,
        test_images=summary.test_images,
        test_accuracy=summary.test_accuracy,
        best_val_accuracy=summary.best_val_accuracy,
        best_epoch=summary.best_epoch,
        kept_epoch=summary.kept_epoch,
        train_loss=summary.train_loss,
        val_loss=summary.val_loss,
        seconds_per_epoch=summary.seconds_per_epoch,
        first_epoch_seconds=summary.first_epoch_seconds,
        total_seconds=summary.time.total_seconds,
        parameters=summary.parameters,
        machine=summary.machine,
        val_low=low,
        val_high=high,
        diagnosis=", ".join(verdict.name for verdict in summary.diagnosis),
        note=_note(summary),
        published=summary.published,
    )


def _with_labels(row: Row, scores: LabelScores | None) -> Row:
    """The row with the figures of several labels per image, if there are any."""
    if scores is None:
        return row
    return replace(
        row,
        mean_average_precision=_value(scores.mean_average_precision),
        f1_micro=_value(scores.f1_micro),
        f1_macro=_value(scores.f1_macro),
    )


def _value(figure: Figure | None) -> float | None:
    return None if figure is None else figure.value


def _with_numbers(row: Row, numbers: NumberFigures) -> Row:
    scores, test = numbers.validation, numbers.test
    return replace(
        row,
        val_mae=scores.mae,
        val_mae_low=scores.mae_interval[0],
        val_mae_high=scores.mae_interval[1],
        val_r2=scores.r2,
        test_mae=None if test is None else test.mae,
        mae_decimals=numbers.target.decimals,
    )


def _note(summary: Summary) -> str:
    note = summary.stopped or (summary.answer or "").split(":")[0]
    return "; ".join(part for part in (summary.kept and f"kept: {summary.kept}", note) if part)
