"""The tables for lessons: cures of overfitting, the short variants of the projects, and what the lessons cost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from greycard.evaluation.intervals import accuracy_interval
from greycard.projects import find_project, projects
from greycard.reports.columns import percent, span

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results" / "lessons"
Row = dict[str, Any]


def cures() -> str:
    """Each cure of lesson 10, over all seeds and precisions."""
    rows = measured("cures")
    names = list(dict.fromkeys(row["cure"] for row in rows))
    head = ["", "weights", "training", "validation", "gain, points", "surely better", "surely worse"]
    cells = [_cure(name, [row for row in rows if row["cure"] == name]) for name in names]
    images = f"{rows[0]['val_images']} images, from the lowest to the highest of {len(rows) // len(names)} runs"
    return "\n".join([*_table(head, cells), "", f"Accuracies on {images}. {_origin(rows, 'cures', '../..')}"])


def _cure(name: str, rows: Sequence[Row]) -> list[str]:
    gains = [100 * row["gain"] for row in rows if "gain" in row]
    better, worse = (sum(row.get("is_real", False) and sign * row["gain"] > 0 for row in rows) for sign in (1, -1))
    accuracies = [_range([row[key] for row in rows]) for key in ("train_accuracy", "val_accuracy")]
    compared = [f"{min(gains):+.1f} to {max(gains):+.1f}", str(better), str(worse)] if gains else ["", "", ""]
    return [f"`{name}`", f"{rows[0]['parameters']:,}", *accuracies, *compared]


def short_projects() -> str:
    """What each short variant trains, takes and reaches."""
    order = [project.name for project in projects()]
    rows = [row for row in measured("classroom") if row["kind"] == "project"]
    rows.sort(key=lambda row: order.index(row["name"].removesuffix("-short")))
    head = ["project", "train / val images", "size", "epochs", "seconds", "memory", "val acc", "95 % interval"]
    return "\n".join([*_table(head, map(_short, rows)), "", _slowest(rows, "..")])


def _short(row: Row) -> list[str]:
    size, accuracy = find_project(row["name"]).recipe.data.image_size, row["val_accuracy"]
    interval = "–" if accuracy is None else span(*accuracy_interval(accuracy, row["val_images"]))
    images = f"{row['train_images']:,} / {row['val_images']:,}"
    pixels = f"{size[0]} × {size[1]}" if size else "–"
    shown = percent(accuracy) if accuracy is not None else "–"
    return [f"`{row['name']}`", images, pixels, str(row["epochs"]), *_cost(row), shown, interval]


def lessons() -> str:
    """What the code of each lesson takes."""
    rows = [row for row in measured("classroom") if row["kind"] == "lesson"]
    cells = [[f"[{row['name']}]({row['name']}.md)", *_cost(row)] for row in rows]
    return "\n".join([*_table(["lesson", "seconds", "memory"], cells), "", _slowest(rows, "../..")])


def _cost(row: Row) -> list[str]:
    return [f"{row['seconds']:.0f}", f"{row['peak_own_mb']:,.0f} MB"]


def _slowest(rows: Sequence[Row], up: str) -> str:
    rounds = max(row["rounds"] for row in rows)
    of = f"The slowest of {rounds} runs" if rounds > 1 else "One run"
    return f"{of}, each a new process with an empty cache. {_origin(rows, 'classroom', up)}"


def _origin(rows: Sequence[Row], name: str, up: str) -> str:
    machines = " and ".join(dict.fromkeys(row["measured"]["environment"]["machine"] for row in rows))
    dates = sorted({row["measured"]["date"] for row in rows})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return f"Measured on {machines}, {when}: [{name}.json]({up}/benchmarks/results/lessons/{name}.json)."


def _table(head: Sequence[str], rows: Any) -> list[str]:
    """A Markdown table; all columns but the first are numbers, to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _range(fractions: Sequence[float]) -> str:
    low, high = min(fractions), max(fractions)
    return percent(low, 1) if low == high else span(low, high)


def measured(name: str) -> list[Row]:
    """The rows of a result file."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["rows"]
