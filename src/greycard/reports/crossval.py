"""A cross-validation as text: a line for each fold, the pooled accuracy, and likely label errors."""

from __future__ import annotations

from greycard.evaluation.label_scores import LabelScores
from greycard.evaluation.numbers import NumberScores
from greycard.reports.classes import classes_lines
from greycard.reports.columns import figure_text, percent, seconds, span
from greycard.reports.escapes import one_line
from greycard.reports.labels import label_lines, total_rows
from greycard.reports.number_rows import error_text, r2_text
from greycard.runs.crossval import CrossValidation, Fold

_ERRORS = 5


def crossval_text(found: CrossValidation) -> str:
    """The results on one screen.

    Raises:
        GreycardError: a fold is unfinished.
    """
    if found.numbers is not None:
        return _numbers_text(found, found.numbers)
    if found.labels is not None:
        return _labels_text(found, found.labels)
    measured, folds = found.scores, found.folds
    accuracies = found.figures
    spread = f"{percent(min(accuracies), 1)} to {percent(max(accuracies), 1)}"
    lines = [
        f"{found.name}: {found.recipe.architecture} on {found.recipe.data.dataset}, {found.count} folds",
        f"  accuracy   {percent(measured.accuracy)}, 95 % interval {span(*measured.interval)}: each of"
        f" {measured.images:,} images predicted by the model that was not trained on it (Wilson)",
        f"  by fold    {spread}, standard deviation {100 * found.deviation:.1f} points",
    ]
    if found.recipe.stopping.keep == "best":
        lines.append("  each fold kept its best epoch on the images that it predicts, so this is slightly optimistic")
    lines += ["", "  fold  accuracy    95 % interval  images      time  run"]
    lines += [_fold_line(fold) for fold in folds]
    return "\n".join([*lines, "", *classes_lines(measured), *_label_errors(found)])


def _numbers_text(found: CrossValidation, numbers: NumberScores) -> str:
    """The results of runs that predict numbers."""
    target, folds = found.runs[0].target, found.folds
    assert target is not None
    errors = found.figures
    lines = [
        f"{found.name}: {found.recipe.architecture} on {found.recipe.data.dataset}, {found.count} folds",
        f"  mean absolute error  {error_text(numbers, target)}: each of {numbers.images:,} images predicted by a model"
        " that was not trained on it",
        f"  R²                   {r2_text(numbers)}",
        f"  without a model      always predicting the training median is off by {target.text(numbers.guess_mae)}",
        f"  by fold              {target.text(min(errors))} to {target.text(max(errors))}, standard deviation"
        f" {target.text(found.deviation)}",
    ]
    if found.recipe.stopping.keep == "best":
        lines.append("  each fold kept its best epoch on the images that it predicts, so this is slightly optimistic")
    lines += ["", "  fold     error  images      time  run"]
    lines += [
        f"  {fold.number:>4}  {target.text(error):>8}  {fold.images:>6,}  {seconds(fold.seconds):>8}  {fold.run}"
        for fold, error in zip(folds, errors, strict=True)
    ]
    return "\n".join(lines)


def _labels_text(found: CrossValidation, scores: LabelScores) -> str:
    """The results of runs with several labels per image."""
    figures = found.figures
    spread = f"{percent(min(figures), 1)} to {percent(max(figures), 1)}"
    rows = [*total_rows(scores), ("by fold", f"{spread}, standard deviation {100 * found.deviation:.1f} points")]
    lines = [
        f"{found.name}: {found.recipe.architecture} on {found.recipe.data.dataset}, {found.count} folds",
        *(f"  {name:<22}  {value}" for name, value in rows),
        f"  each of {scores.images:,} images predicted by the model that was not trained on it; average precisions are"
        " means over the folds",
    ]
    if found.recipe.stopping.keep == "best":
        lines.append("  each fold kept its best epoch on the images that it predicts, so this is slightly optimistic")
    lines += ["", "  fold  mean average precision    images      time  run"]
    lines += [
        f"  {fold.number:>4}  {figure_text(fold.mean_average_precision):<24}  {fold.images:>6,}"
        f"  {seconds(fold.seconds):>8}  {fold.run}"
        for fold in found.folds
    ]
    return "\n".join([*lines, "", *label_lines(scores, scores.thresholds)])


def _fold_line(fold: Fold) -> str:
    interval = "–" if fold.interval is None else span(*fold.interval)
    return (
        f"  {fold.number:>4}  {percent(fold.accuracy):>8}  {interval:>15}  {fold.images:>6,}"
        f"  {seconds(fold.seconds):>8}  {fold.run}"
    )


def _label_errors(found: CrossValidation) -> list[str]:
    errors, predicted = found.label_errors, found.predictions
    if not len(errors.rows):
        return []
    lines = ["", f"  {len(errors.rows):,} likely label errors, by models that were not trained on these images:"]
    for row, instead in zip(errors.rows[:_ERRORS].tolist(), errors.instead[:_ERRORS].tolist(), strict=True):
        id, label = one_line(str(predicted["ids"][row])), one_line(found.classes[int(predicted["labels"][row])])
        probability = percent(float(predicted["probabilities"][row, instead]), 1)
        lines.append(f"    {id}: labelled {label}, predicted {one_line(found.classes[instead])} {probability}")
    more = len(errors.rows) - _ERRORS
    return [*lines, f"    and {more:,} more (--format json lists them)"] if more > 0 else lines
