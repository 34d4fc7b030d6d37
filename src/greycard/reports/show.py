"""A run on one screen of text, from its files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from greycard.core.published import Published
from greycard.evaluation.intervals import accuracy_interval
from greycard.evaluation.timing import time_line
from greycard.recipe import Recipe
from greycard.reports.classes import classes_lines
from greycard.reports.columns import images_line, loss_text, percent, seconds, span
from greycard.reports.diagnosis import diagnosis_lines
from greycard.reports.escapes import one_line
from greycard.reports.headline import precision_line, unfinished_hint
from greycard.reports.labels import label_lines, limits_of, total_rows
from greycard.reports.ladder import search_lines
from greycard.reports.measured import measured_line
from greycard.reports.number_rows import number_rows
from greycard.reports.progress import epoch_line
from greycard.reports.refusals import refusal_rows
from greycard.runs.evidence import verdicts
from greycard.runs.measurements import Measurement, measurements_of
from greycard.runs.record import RunRecord
from greycard.runs.schema import Summary
from greycard.runs.scores import scores_of

_EPOCHS_SHOWN = 10


def run_text(run: RunRecord) -> str:
    """The run's recipe, results, epochs and environment."""
    lines = [
        f"{run.name}: {run.recipe.architecture} on {run.recipe.data.dataset}, {run.task.description}",
        *_results(run),
        "",
    ]
    searched = search_lines(run)
    lines += [*searched, ""] if searched else []
    if run.finished and run.recipe.data.has_images:
        lines += [*diagnosis_lines(verdicts(run)), ""]
    if run.finished and run.task.has_classes:
        scores = run.summary.labels
        lines += [*(label_lines(scores, limits_of(run)) if scores else classes_lines(scores_of(run))), ""]
    lines += [*_epochs(run), ""]
    environment = run.environment
    lines.append(
        f"{environment['machine']}; Keras {environment['keras']} on {environment['backend']}"
        f" {environment['backend_version']} ({environment['device']}); Python {environment['python']};"
        f" Greycard {environment['greycard']}; started {environment['started']}"
    )
    return "\n".join(lines)


def _results(run: RunRecord) -> list[str]:
    if not run.finished:
        return [unfinished_hint(run)]
    summary = run.summary
    figures = [*_figures(summary, run.recipe, measurements_of(run)), *_lines(refusal_rows(run))]
    lines = [summary.reason, *figures, summary.time.advice, summary.stopped, summary.answer]
    if summary.left_out:
        lines.append(f"{len(summary.left_out)} files were unreadable and left out (see summary.json)")
    return [line for line in lines if line]


def _figures(summary: Summary, recipe: Recipe, measured: Sequence[Measurement]) -> list[str]:
    published = summary.published or Published()
    images = summary.val_images
    rows = [
        ("images", images_line(summary)),
        ("training accuracy", _with(percent(summary.train_accuracy), published.train_accuracy, percent)),
        *_after(summary),
        ("validation accuracy", _with(percent(summary.val_accuracy), published.val_accuracy, percent)),
        ("", f"95 % interval {_span(summary.val_accuracy, images)}, from {images:,} images"),
        *_of_labels(summary),
        *_test(summary),
        *(number_rows(summary.numbers, kept=summary.kept is not None) if summary.numbers else ()),
        *((f"on {one_line(each.data)}", measured_line(each)) for each in measured),
        ("best epoch", _best(summary)),
        ("loss", f"{loss_text(summary.train_loss)} training, {loss_text(summary.val_loss)} validation"),
        ("time", _total(summary)),
        ("time by part", time_line(summary.time.seconds_by_part)),
        ("speed", _speed(summary)),
        ("parameters", f"{summary.parameters:,}"),
        ("seed", str(summary.seed)),
        ("trained in", precision_line(recipe)),
    ]
    if summary.val_accuracy is None:
        rows = [row for row in rows if "accuracy" not in row[0] and row[0] not in ("", "best epoch")]
    return _lines(rows)


def _lines(rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max([20, *(len(name) for name, _ in rows)])
    return [f"  {name:<{width}} {value}" for name, value in rows]


def _of_labels(summary: Summary) -> list[tuple[str, str]]:
    """The figures of several labels per image."""
    if summary.labels is None:
        return []
    rows = total_rows(summary.labels)
    test = summary.test_labels
    more = [(f"test {name}", value) for name, value in total_rows(test)] if test else []
    return [*rows, *more]


def _total(summary: Summary) -> str:
    times = summary.resumed
    resumed = f", resumed {'once' if times == 1 else f'{times} times'}" if times else ""
    return f"{seconds(summary.seconds_per_epoch)} per epoch, {seconds(summary.time.total_seconds)} in total{resumed}"


def _after(summary: Summary) -> list[tuple[str, str]]:
    """The training accuracy after training: without weight updates, dropout and augmentation."""
    accuracy = summary.train_accuracy_after
    if accuracy is None:
        return []
    interval = _span(accuracy, summary.train_images)
    return [("  measured after", f"{percent(accuracy)}, 95 % interval {interval}, on the unaugmented training images")]


def _test(summary: Summary) -> list[tuple[str, str]]:
    """The accuracy on the test images, which are not used for model selection."""
    accuracy, images = summary.test_accuracy, summary.test_images
    if accuracy is None or not images:
        return []
    interval = f"95 % interval {_span(accuracy, images)}, on {images:,} images that were not used for model selection"
    return [("test accuracy", f"{percent(accuracy)}, {interval}")]


def _best(summary: Summary) -> str:
    best, images = summary.best_val_accuracy, summary.val_images
    if best is None:
        return ""
    if summary.kept:
        return f"the weights are from {summary.kept}, so the accuracy is slightly optimistic"
    chosen = "; selected on the same images, so it is optimistic" if best != summary.val_accuracy else ""
    return f"{percent(best)} in epoch {summary.best_epoch}, 95 % interval {_span(best, images)}{chosen}"


def _span(accuracy: float | None, images: int) -> str:
    return "–" if accuracy is None else span(*accuracy_interval(accuracy, images))


def _speed(summary: Summary) -> str:
    speed, memory = summary.time.images_per_second, summary.peak_memory_mb
    parts = [f"{speed:,.0f} images/s in training"] if speed else []
    return ", ".join([*parts, *([f"{memory:,.0f} MB peak memory"] if memory else [])])


def _with(ours: str, published: float | None, show: Any) -> str:
    return ours if published is None else f"{ours} (published {show(published)})"


def _epochs(run: RunRecord) -> list[str]:
    history = run.history
    shown = history if len(history) <= _EPOCHS_SHOWN else [*history[:3], *history[3 - _EPOCHS_SHOWN :]]
    images = run.summary.train_images if run.finished else 0
    lines = [epoch_line(epoch, run.recipe.training.epochs, images) for epoch in shown]
    if len(shown) < len(history):
        lines.insert(3, f"  … {len(history) - len(shown)} epochs …")
    return lines
