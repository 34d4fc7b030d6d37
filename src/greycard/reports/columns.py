"""The table's columns: titles and the text of each cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from greycard.core.published import Published
from greycard.evaluation.label_scores import Figure
from greycard.runs.schema import Summary


@dataclass(frozen=True, kw_only=True)
class Row:
    """A run's row of the table: accuracies as fractions, times in seconds, None for missing values.

    The fields are those of `Summary`; `name` is that of who trained the run, `val_low` and `val_high` are the 95 %
    interval of the validation accuracy. For a regression, `mae` is the mean absolute error in the unit of the labels,
    shown with `mae_decimals`.
    """

    run: str
    name: str | None = None
    project: str
    status: str
    dataset: str
    task: str
    architecture: str
    epochs: int
    epochs_planned: int
    train_images: int | None = None
    val_images: int | None = None
    train_accuracy: float | None = None
    train_accuracy_after: float | None = None
    val_accuracy: float | None = None
    test_images: int | None = None
    test_accuracy: float | None = None
    mean_average_precision: float | None = None
    f1_micro: float | None = None
    f1_macro: float | None = None
    best_val_accuracy: float | None = None
    best_epoch: int | None = None
    kept_epoch: int | None = None
    train_loss: float | None = None
    val_loss: float | None = None
    seconds_per_epoch: float | None = None
    first_epoch_seconds: float | None = None
    total_seconds: float | None = None
    parameters: int | None = None
    machine: str | None = None
    val_low: float | None = None
    val_high: float | None = None
    val_mae: float | None = None
    val_mae_low: float | None = None
    val_mae_high: float | None = None
    val_r2: float | None = None
    test_mae: float | None = None
    mae_decimals: int | None = None
    seed: int
    precision: str
    diagnosis: str = ""
    note: str = ""
    published: Published | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values; published figures have the prefix `published_`."""
        own = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "published"}
        published = {field.name: getattr(self.published, field.name, None) for field in fields(Published)}
        return own | {f"published_{name}": value for name, value in published.items()}


PUBLISHED = " (published)"
"""Suffix of a column title with published figures in brackets; omitted if no row has one."""


@dataclass(frozen=True)
class Column:
    """One column; right-aligned if `number` is True."""

    title: str
    show: Callable[[Row], str]
    number: bool = True


def images_line(summary: Summary) -> str:
    """The number of images in each split."""
    counts = f"{summary.train_images:,} training, {summary.val_images:,} validation"
    return counts + (f", {summary.test_images:,} test" if summary.test_images else "")


def percent(fraction: float | None, digits: int = 2) -> str:
    """`98.61 %`, or a dash."""
    return "–" if fraction is None else f"{100 * fraction:.{digits}f} %"


def loss_text(value: float | None) -> str:
    """A loss; None in the history means NaN or infinite."""
    return "NaN" if value is None else f"{value:.4f}"


def seconds(value: float | None) -> str:
    """Seconds with significant digits; minutes and hours for long times."""
    if value is None:
        return "–"
    if value >= 3600:
        return f"{value / 3600:.1f} h"
    if value >= 600:
        return f"{value / 60:.0f} min"
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"


def _with_published(show: Callable[[float | None], str], ours: float | None, published: float | None) -> str:
    """Greycard's figure, and the published one in brackets."""
    return show(ours) + (f" ({show(published)})" if published is not None else "")


def _published(row: Row) -> Published:
    return row.published or Published()


def _images(row: Row) -> str:
    return "–" if row.train_images is None else f"{row.train_images:,} / {row.val_images:,}"


def _best(row: Row) -> str:
    if row.best_val_accuracy is None:
        return "–"
    kept = ", kept" if row.kept_epoch == row.best_epoch else ""
    return f"{percent(row.best_val_accuracy)} @ {row.best_epoch}{kept}"


def _interval(row: Row) -> str:
    return "–" if row.val_low is None or row.val_high is None else span(row.val_low, row.val_high)


def span(low: float, high: float) -> str:
    """An interval of fractions, `72.2 to 77.6 %`."""
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def figure_text(figure: Figure | None) -> str:
    """`91.2 % (90.1 to 92.3 %)`, or a dash."""
    return "–" if figure is None else f"{percent(figure.value, 1)} ({span(figure.low, figure.high)})"


def _epochs(row: Row) -> str:
    ours = str(row.epochs_planned) if row.epochs == row.epochs_planned else f"{row.epochs} of {row.epochs_planned}"
    published = _published(row).epochs
    return ours if published is None else f"{ours} ({published})"


def _parameters(row: Row) -> str:
    return "–" if row.parameters is None else f"{row.parameters:,}"


def _number(value: float | None, row: Row) -> str:
    return "–" if value is None else f"{value:,.{row.mae_decimals or 0}f}"


def _mae(row: Row) -> str:
    if row.val_mae is None:
        return "–"
    return f"{_number(row.val_mae, row)} ({_number(row.val_mae_low, row)} to {_number(row.val_mae_high, row)})"


MAE = Column("val MAE", _mae)
R2 = Column("val R²", lambda row: "–" if row.val_r2 is None else f"{row.val_r2:.3f}")
TEST_MAE = Column("test MAE", lambda row: _number(row.test_mae, row))
NUMBERS = (MAE, R2, TEST_MAE)
"""Omitted if no run predicts a number from images; the last one also without test images."""

TEST = Column("test acc", lambda row: percent(row.test_accuracy))
"""Omitted if no run has test images."""

AVERAGE_PRECISION = Column("val mAP", lambda row: percent(row.mean_average_precision))
F1 = Column("val F1 micro", lambda row: percent(row.f1_micro))
"""Omitted if no run has several labels per image."""

NAME = Column("name", lambda row: row.name or "–", number=False)
"""Omitted if no run has the name of who trained it."""

ACCURACIES = (f"train acc{PUBLISHED}", "train acc after", f"val acc{PUBLISHED}", "95 % interval", "best val acc")
"""Titles of columns that are omitted if every run predicts a number from images."""

COLUMNS: tuple[Column, ...] = (
    NAME,
    Column("run", lambda row: row.run, number=False),
    Column("dataset", lambda row: row.dataset, number=False),
    Column("task", lambda row: row.task, number=False),
    Column("train / val images", _images),
    Column("architecture", lambda row: row.architecture, number=False),
    Column(f"epochs{PUBLISHED}", _epochs),
    Column(
        f"train acc{PUBLISHED}",
        lambda row: _with_published(percent, row.train_accuracy, _published(row).train_accuracy),
    ),
    Column("train acc after", lambda row: percent(row.train_accuracy_after)),
    Column(f"val acc{PUBLISHED}", lambda row: _with_published(percent, row.val_accuracy, _published(row).val_accuracy)),
    Column("95 % interval", _interval),
    TEST,
    AVERAGE_PRECISION,
    F1,
    *NUMBERS,
    Column("best val acc", _best),
    Column(
        f"s / epoch{PUBLISHED}",
        lambda row: _with_published(seconds, row.seconds_per_epoch, _published(row).seconds_per_epoch),
    ),
    Column("total", lambda row: seconds(row.total_seconds)),
    Column("parameters", _parameters),
    Column("machine", lambda row: row.machine or "–", number=False),
    Column("seed", lambda row: str(row.seed)),
    Column("trained in", lambda row: row.precision, number=False),
    Column("diagnosis", lambda row: row.diagnosis or "–", number=False),
    Column("note", lambda row: row.note or "–", number=False),
)

DROPPED_FIRST = (
    "machine", "task", "parameters", "trained in", "note", "dataset", "train acc after", "seed", "architecture",
    "total", "train / val images", "best val acc", f"epochs{PUBLISHED}", f"train acc{PUBLISHED}", "diagnosis",
    "95 % interval",
)  # fmt: skip
"""The order in which columns are hidden if the terminal is too narrow; measured values are hidden last."""
