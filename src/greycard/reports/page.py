"""`greycard report`: one self-contained HTML page of a run, or of several compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from greycard.datasets.label_sets import names_of
from greycard.evaluation.calibration import Calibration
from greycard.evaluation.intervals import accuracy_interval
from greycard.evaluation.scores import Scores
from greycard.evaluation.timing import TimeSpent
from greycard.reports import figures
from greycard.reports.class_parts import class_parts
from greycard.reports.columns import images_line, percent, seconds, span
from greycard.reports.headline import headline, precision_line, unfinished_hint
from greycard.reports.html_text import with_code
from greycard.reports.image_urls import image_url, png_url
from greycard.reports.labels import ReportedLabels, label_parts, names_with_shares, reported_labels, total_rows
from greycard.reports.ladder import ladder_part
from greycard.reports.map_part import run_map_part
from greycard.reports.measured import measured_line
from greycard.reports.number_figures import predicted_against_true, residuals
from greycard.reports.number_rows import ReportedNumber, number_rows
from greycard.reports.refusals import refusal_rows
from greycard.reports.reported import Reported, reported, reported_scores
from greycard.reports.svg import inline_svg
from greycard.reports.together import curves, together
from greycard.runs.evidence import verdicts
from greycard.runs.measurements import measurements_of
from greycard.runs.numbers import NumberFigures
from greycard.runs.record import RunRecord
from greycard.runs.scores import scores_of
from greycard.tasks.task import Task

_MISTAKES = 12
_NO_MISTAKES: dict[str, np.ndarray] = {}


def report_page(runs: Sequence[RunRecord]) -> str:
    """The page as HTML text; it loads no other files.

    Args:
        runs: finished runs with the same validation images are also compared; an unfinished run shows its
            epochs so far.

    Raises:
        GreycardError: a damaged run.
    """
    parts = [_run_part(run) for run in runs]
    title = parts[0]["name"] if len(parts) == 1 else f"{len(parts)} runs"
    return render_page(title, parts, together(runs) if len(runs) > 1 else None)


def render_page(title: str, parts: Sequence[Mapping[str, Any]], compared: Any = None) -> str:
    """The page of these sections, each with the values that `run.html` shows."""
    return render("report.html", title=title, runs=parts, together=compared, span=span)


def render(template: str, **values: Any) -> str:
    """One of the templates with its values; texts are escaped."""
    return _templates().get_template(template).render(**values)


def _templates() -> Environment:
    found = Environment(
        loader=PackageLoader("greycard.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"with_code": with_code, "percent": percent, "seconds": seconds}
    return found


def _run_part(run: RunRecord) -> dict[str, Any]:
    """The template's data of one run."""
    return {
        "name": run.name,
        "ladder": ladder_part(run),
        "curves": curves({run.name: run.history}) if len(run.history) > 1 else [],
        "explained": [(path.stem, png_url(path.read_bytes())) for path in sorted(run.path.glob("explain/*.png"))],
        **origin_parts(run),
        **(_outcome(run) if run.finished else _so_far(run)),
    }


def origin_parts(run: RunRecord) -> dict[str, Any]:
    """How the run was made: its recipe and environment."""
    return {
        "recipe": {
            name: _as_text(value) for name, value in run.recipe.to_json().items() if value not in (None, [], 0.0)
        },
        "environment": {name: value for name, value in run.environment.items() if name != "schema"},
    }


def _outcome(run: RunRecord) -> dict[str, Any]:
    """The template's data that only a finished run has."""
    summary, first = run.summary, reported(run)
    scores = scores_of(run) if run.task.has_one_class else None
    return {
        "headline": headline(run),
        "stopped": summary.stopped,
        "result": _result(run) or first,
        "published": summary.published and summary.published.val_accuracy,
        "figures": [
            ("task", run.task.description),
            *_figures(run, first),
            ("trained in", precision_line(run.recipe)),
            *refusal_rows(run),
            *((f"on {each.data}", measured_line(each)) for each in measurements_of(run)),
        ],
        "verdicts": verdicts(run),
        "classes": scores and class_parts(scores, run.classes),
        "labels": label_parts(run, summary.labels, run.predictions["labels"]) if summary.labels else None,
        "trust": trust_part(scores, scores.calibration) if scores and scores.calibration else None,
        "numbers": number_part(run, summary.numbers) if summary.numbers else None,
        "mistakes": mistake_parts(run, run.task, run.mistakes or _NO_MISTAKES),
        "map": run_map_part(run),
        "time": _time(summary.time),
        "left_out": summary.left_out,
    }


def _result(run: RunRecord) -> ReportedNumber | ReportedLabels | None:
    """The first figure of a run that has no accuracy."""
    labels, numbers = reported_scores(run), run.summary.numbers
    return ReportedNumber.of(numbers) if numbers else reported_labels(*labels) if labels else None


def _so_far(run: RunRecord) -> dict[str, Any]:
    figures = [
        ("task", run.task.description),
        ("epochs", f"{len(run.history)} of {run.recipe.training.epochs}"),
        ("seed", str(run.recipe.training.seed)),
    ]
    nothing = dict.fromkeys(("stopped", "result", "published", "classes", "labels", "trust", "numbers", "time", "map"))
    none_of: dict[str, Any] = {"verdicts": [], "mistakes": [], "left_out": []}
    return {"headline": f"{unfinished_hint(run)}.", "figures": figures, **nothing, **none_of}


def _as_text(value: Any) -> str:
    """The value of a recipe field as text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_as_text(each)}" for name, each in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_as_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _figures(run: RunRecord, first: Reported | None) -> list[tuple[str, str]]:
    """The most important numbers next to the first one."""
    summary = run.summary
    shown = [("images", images_line(summary))]
    if run.search is not None and first and not first.chosen:
        chosen = f"{percent(summary.val_accuracy, 1)} of {summary.val_images:,} images, on which the recipe was chosen"
        shown.append(("validation accuracy", chosen))
    elif summary.test_accuracy is not None and summary.test_images:
        interval = span(*accuracy_interval(summary.test_accuracy, summary.test_images))
        shown.append(("test accuracy", f"{percent(summary.test_accuracy, 1)}, 95 % interval {interval}"))
    if summary.test_labels:
        shown += [(f"test {name}", value) for name, value in total_rows(summary.test_labels)]
    if summary.best_val_accuracy is not None:
        best = f"{percent(summary.best_val_accuracy, 1)} in epoch {summary.best_epoch}"
        kept = " and kept" if summary.kept_epoch == summary.best_epoch else ""
        shown.append(("best epoch", f"{best}, selected{kept} on the same images"))
    time = f"{seconds(summary.seconds_per_epoch)} per epoch, {seconds(summary.time.total_seconds)} in total"
    shown += [("epochs", str(summary.epochs)), ("time", time), ("parameters", f"{summary.parameters:,}")]
    return [*shown, ("seed", str(summary.seed))]


def trust_part(scores: Scores, calibration: Calibration) -> dict[str, Any]:
    return {
        "reliability": inline_svg(figures.reliability(scores.reliability), "reliability curve"),
        "log_loss": f"{scores.log_loss:.4f}",
        "roc_auc": None if scores.roc_auc is None else f"{scores.roc_auc:.4f}",
        "calibration_error": f"{100 * calibration.error:.1f}",
        "after_scaling": _after_scaling(calibration),
        "temperature": f"{calibration.temperature:.2f}",
    }


def _after_scaling(calibration: Calibration) -> str | None:
    """The error after temperature scaling, if it is smaller."""
    return f"{100 * calibration.error_after_scaling:.1f}" if calibration.scaling_helps else None


def mistake_parts(run: RunRecord, task: Task, kept: Mapping[str, np.ndarray]) -> list[dict[str, str]]:
    """The worst predictions.

    Args:
        run: the run.
        task: decides on the probabilities.
        kept: saved `ids`, `labels`, `probabilities` and `images`.
    """
    answer: Callable[[RunRecord, Task, Any, np.ndarray], tuple[str, str]]
    answer = _several_answer if task.has_several else _named_answer if run.target is None else _number_answer
    shown = []
    for id, label, row, image in zip(*kept.values(), strict=True):
        true, predicted = answer(run, task, label, row)
        shown.append({"id": str(id), "true": true, "predicted": predicted, "image": image_url(image)})
    return shown[: None if task.has_several else _MISTAKES]


def _several_answer(run: RunRecord, task: Task, label: np.ndarray, row: np.ndarray) -> tuple[str, str]:
    """The true labels of an image, and the predicted ones with their probabilities; then those that were missed."""
    decided = task.decide(row)
    missed = names_with_shares(run.classes, row, (label > 0) & (decided == 0)) if (label > decided).any() else ""
    predicted = names_with_shares(run.classes, row, decided > 0)
    return ", ".join(names_of(label, run.classes)) or "none", predicted + (f"; missed {missed}" if missed else "")


def _named_answer(run: RunRecord, task: Task, label: int, row: np.ndarray) -> tuple[str, str]:
    """The true class, and the predicted one with its probability."""
    guess = int(task.decide(row))
    return run.classes[label], f"{run.classes[guess]} {percent(float(row[guess]), 1)}"


def _number_answer(run: RunRecord, task: Task, label: float, row: np.ndarray) -> tuple[str, str]:
    """The true number and the predicted one."""
    assert run.target is not None
    return run.target.text(float(label)), run.target.text(float(task.decide(row)))


def number_part(run: RunRecord, numbers: NumberFigures) -> dict[str, Any]:
    """The drawings and figures of predicted numbers."""
    found = run.predictions
    labels, predicted = found["labels"], run.task.decide(found["probabilities"])
    return {
        "against_true": inline_svg(
            predicted_against_true(labels, predicted, numbers.reach), "predicted numbers against true numbers"
        ),
        "residuals": inline_svg(residuals(labels, predicted, numbers.reach), "errors against predicted numbers"),
        "has_reach": numbers.reach is not None,
        "rows": number_rows(numbers, kept=run.summary.kept is not None),
    }


def _time(time: TimeSpent) -> dict[str, Any]:
    return {"bar": inline_svg(figures.time_bar(time.seconds_by_part), "time by part of the run"), "advice": time.advice}
