"""`greycard report`: one self-contained HTML page of a run, or of several compared."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from PIL import Image

from greycard.reports import figures
from greycard.reports.columns import percent, seconds
from greycard.reports.compare import comparison_text
from greycard.reports.headline import headline, precision_line, unfinished_hint
from greycard.reports.svg import inline_svg
from greycard.reports.table import make_table
from greycard.runs.compare import compare_runs
from greycard.runs.evidence import verdicts
from greycard.runs.record import RunRecord
from greycard.runs.scores import scores_of

_ENVIRONMENT = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
_MISTAKES = 12


def report_page(runs: Sequence[RunRecord]) -> str:
    """The page as text; it loads nothing from anywhere.

    Args:
        runs: finished ones that were measured on the same images are compared, too; an unfinished one shows the
            epochs it has.

    Raises:
        GreycardError: a damaged run.
    """
    template = resources.files("greycard.reports").joinpath("templates/report.html").read_text("utf-8")
    parts = [_run_part(run) for run in runs]
    return _ENVIRONMENT.from_string(template).render(
        title=parts[0]["name"] if len(parts) == 1 else f"{len(parts)} runs",
        table=make_table(runs).html(),
        runs=parts,
        together=_together(runs) if len(runs) > 1 else None,
    )


def _together(runs: Sequence[RunRecord]) -> dict[str, Any]:
    """The runs' curves over one another, and their comparison where one can be made."""
    names = [run.name for run in runs]
    begun = [run for run in runs if run.history]
    shown = {run.name if names.count(run.name) == 1 else str(run.path): run.history for run in begun}
    groups: dict[Any, list[RunRecord]] = {}
    for run in runs:
        if run.classes and run.finished:
            answered = zip(run.predictions["ids"].tolist(), run.predictions["labels"].tolist(), strict=True)
            groups.setdefault((run.recipe.dataset, run.classes, frozenset(answered)), []).append(run)
    comparable = [members for members in groups.values() if len(members) > 1]
    texts = [comparison_text(compare_runs(members)) for members in comparable]
    return {"curves": _curves(shown) if shown else [], "comparisons": texts}


def _run_part(run: RunRecord) -> dict[str, Any]:
    """Everything the template shows of one run."""
    return {
        "name": run.name,
        "curves": _curves({run.name: run.history}) if run.history else [],
        "explained": [(path.stem, _png_url(path.read_bytes())) for path in sorted(run.path.glob("explain/*.png"))],
        "recipe": {name: value for name, value in run.recipe.to_json().items() if value not in (None, [], 0.0)},
        "environment": {name: value for name, value in run.environment.items() if name != "schema"},
        **(_outcome(run) if run.finished else _so_far(run)),
    }


def _outcome(run: RunRecord) -> dict[str, Any]:
    """What only a finished run has."""
    summary = run.summary
    scores = scores_of(run) if run.classes else None
    return {
        "headline": headline(run),
        "figures": [*_figures(summary), ("trained in", precision_line(run.recipe))],
        "verdicts": verdicts(run),
        "scores": scores and _scores_part(scores, run.classes),
        "mistakes": _mistakes(run),
        "time": _time(summary),
        "left_out": summary["left_out"],
    }


def _so_far(run: RunRecord) -> dict[str, Any]:
    figures = [("epochs", f"{len(run.history)} of {run.recipe.epochs}"), ("seed", str(run.recipe.seed))]
    nothing: dict[str, Any] = {"verdicts": [], "scores": None, "mistakes": [], "time": None, "left_out": []}
    return {"headline": f"{unfinished_hint(run)}.", "figures": figures, **nothing}


def _curves(histories: dict[str, Any]) -> list[str]:
    """A drawing for accuracy and one for loss, which a narrow page puts one below the other."""
    kinds = figures.measured_kinds(histories)
    return [inline_svg(figures.learning_curves(histories, [kind]), f"{kind} by epoch") for kind in kinds]


def _figures(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """The few numbers that a reader looks for first."""
    shown = [("images", f"{summary['train_images']:,} training, {summary['val_images']:,} validation")]
    if summary["best_val_accuracy"] is not None:
        best = f"{percent(summary['best_val_accuracy'])} in epoch {summary['best_epoch']}"
        shown.append(("best epoch", f"{best}, chosen on the same images"))
    time = f"{seconds(summary['seconds_per_epoch'])} an epoch, {seconds(summary['total_seconds'])} in all"
    shown += [("epochs", str(summary["epochs"])), ("time", time), ("parameters", f"{summary['parameters']:,}")]
    return [*shown, ("seed", str(summary["seed"]))]


def _scores_part(scores: dict[str, Any], classes: Sequence[str]) -> dict[str, Any]:
    return {
        "confusion": inline_svg(figures.confusion(scores["confusion"], classes), "confusion matrix"),
        "bars": inline_svg(figures.class_bars(scores), "recall and precision of each class"),
        "trust": _trust_part(scores) if scores["calibration"] else None,
    }


def _trust_part(scores: dict[str, Any]) -> dict[str, Any]:
    calibration = scores["calibration"]
    return {
        "reliability": inline_svg(figures.reliability(scores), "reliability curve"),
        "log_loss": f"{scores['log_loss']:.4f}",
        "roc_auc": None if scores["roc_auc"] is None else f"{scores['roc_auc']:.4f}",
        "calibration_error": f"{100 * calibration['error']:.1f}",
        "after_scaling": _after_scaling(calibration),
        "temperature": f"{calibration['temperature']:.2f}",
    }


def _after_scaling(calibration: dict[str, float]) -> str | None:
    """The error that the temperature leaves, where it leaves less."""
    better = calibration["error_after_scaling"] < calibration["error"]
    return f"{100 * calibration['error_after_scaling']:.1f}" if better else None


def _mistakes(run: RunRecord) -> list[dict[str, str]]:
    """The pictures that the model is surest about and wrong."""
    kept = run.mistakes
    if kept is None:
        return []
    shown = []
    for id, label, row, image in zip(*kept.values(), strict=True):
        guess = int(np.argmax(row))
        said = f"{run.classes[guess]} {percent(float(row[guess]), 1)}"
        shown.append({"id": str(id), "true": run.classes[label], "said": said, "picture": _data_url(image)})
    return shown[:_MISTAKES]


def _data_url(image: np.ndarray) -> str:
    buffer = io.BytesIO()
    flat = image[:, :, 0] if image.shape[2] == 1 else image
    Image.fromarray(flat).save(buffer, "PNG", optimize=True)
    return _png_url(buffer.getvalue())


def _png_url(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _time(summary: dict[str, Any]) -> dict[str, Any] | None:
    parts = summary.get("seconds_by_part")
    if parts is None:
        return None
    return {
        "bar": inline_svg(figures.time_bar(parts), "where the time went"),
        "advice": summary.get("advice"),
    }
