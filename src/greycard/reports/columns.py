"""The table's columns: a title, and how a row's values become a cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

PUBLISHED = " (published)"
"""Ends the title of a column that shows the published figure in brackets; left out where no row has one."""


@dataclass(frozen=True)
class Column:
    """One column; `number` aligns it to the right."""

    title: str
    show: Callable[[Row], str]
    number: bool = True


def percent(fraction: float | None, digits: int = 2) -> str:
    """`98.61 %`, or a dash."""
    return "–" if fraction is None else f"{100 * fraction:.{digits}f} %"


def seconds(value: float | None) -> str:
    """Seconds with as many digits as mean something; minutes and hours for long times."""
    if value is None:
        return "–"
    if value >= 3600:
        return f"{value / 3600:.1f} h"
    if value >= 600:
        return f"{value / 60:.0f} min"
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"


def _beside(row: Row, key: str, show: Callable[[Any], str]) -> str:
    """Our figure, and the published one in brackets."""
    published = row[f"published_{key}"]
    return show(row[key]) + (f" ({show(published)})" if published is not None else "")


def _accuracy(key: str) -> Callable[[Row], str]:
    return lambda row: _beside(row, key, percent)


def _images(row: Row) -> str:
    if row["train_images"] is None:
        return "–"
    return f"{row['train_images']:,} / {row['val_images']:,}"


def _best(row: Row) -> str:
    if row["best_val_accuracy"] is None:
        return "–"
    kept = ", kept" if row["kept_epoch"] == row["best_epoch"] else ""
    return f"{percent(row['best_val_accuracy'])} @ {row['best_epoch']}{kept}"


def _interval(row: Row) -> str:
    return "–" if row["val_low"] is None else span(row["val_low"], row["val_high"])


def span(low: float, high: float) -> str:
    """An interval of fractions, `72.2 to 77.6 %`."""
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def _epochs(row: Row) -> str:
    planned = row["epochs_planned"]
    ours = str(planned) if row["epochs"] == planned else f"{row['epochs']} of {planned}"
    return ours if row["published_epochs"] is None else f"{ours} ({row['published_epochs']})"


def _text(key: str) -> Callable[[Row], str]:
    return lambda row: "–" if row[key] in (None, "") else str(row[key])


def _parameters(row: Row) -> str:
    return "–" if row["parameters"] is None else f"{row['parameters']:,}"


COLUMNS: tuple[Column, ...] = (
    Column("run", _text("run"), number=False),
    Column("dataset", _text("dataset"), number=False),
    Column("task", _text("task"), number=False),
    Column("train / val images", _images),
    Column("architecture", _text("architecture"), number=False),
    Column(f"epochs{PUBLISHED}", _epochs),
    Column(f"train acc{PUBLISHED}", _accuracy("train_accuracy")),
    Column("train acc after", lambda row: percent(row["train_accuracy_after"])),
    Column(f"val acc{PUBLISHED}", _accuracy("val_accuracy")),
    Column("95 % interval", _interval),
    Column("best val acc", _best),
    Column(f"s / epoch{PUBLISHED}", lambda row: _beside(row, "seconds_per_epoch", seconds)),
    Column("total", lambda row: seconds(row["total_seconds"])),
    Column("parameters", _parameters),
    Column("machine", _text("machine"), number=False),
    Column("seed", _text("seed")),
    Column("trained in", _text("precision"), number=False),
    Column("diagnosis", _text("diagnosis"), number=False),
    Column("note", _text("note"), number=False),
)

DROPPED_FIRST = (
    "machine", "task", "parameters", "trained in", "note", "dataset", "train acc after", "seed", "architecture",
    "total", "train / val images", "best val acc", f"epochs{PUBLISHED}", f"train acc{PUBLISHED}", "diagnosis",
    "95 % interval",
)  # fmt: skip
"""Which columns go first where the terminal is too narrow for all; what is measured goes last."""
