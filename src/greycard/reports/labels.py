"""The figures of several labels per image, as text and as the rows of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len

from greycard.audit.cooccurrence import cooccurrence
from greycard.evaluation.label_scores import LabelScore, LabelScores
from greycard.reports.columns import figure_text, percent, span
from greycard.reports.escapes import one_line
from greycard.runs.record import RunRecord
from greycard.tasks.multilabel import MultiLabel

_SHOWN = 12
_CELLS = 20
"""The table of labels that occur together has at most so many rows."""


@dataclass(frozen=True)
class LabelRow:
    """One label on a page.

    Attributes:
        name: of the label.
        precision: average precision with its interval.
        f1: with its interval.
        found: precision and recall at the threshold.
        threshold: on the probabilities that `predict` prints.
        support: number of validation images with the label.
    """

    name: str
    precision: str
    f1: str
    found: str
    threshold: str
    support: int


@dataclass(frozen=True)
class LabelParts:
    """The data of the page's section about labels.

    Attributes:
        rows: each label's figures.
        figures: of all labels together, as (name, text).
        together: for each label the fraction of its images that have each other label, with the text of the cell;
            empty for many labels.
        kind: which images these are, in words.
        decided: by which thresholds each image was decided, in words.
    """

    rows: Sequence[LabelRow]
    figures: Sequence[tuple[str, str]]
    together: Sequence[tuple[str, Sequence[tuple[float, str]]]]
    kind: str = "validation images"
    decided: str = "thresholds chosen on the other half of the validation images"


@dataclass(frozen=True)
class ReportedLabels:
    """The first figure of a run with several labels per image, in large letters, and what it is."""

    accuracy: str
    measured_on: str
    interval: str
    what: str = "mean average precision"


def reported_labels(scores: LabelScores, kind: str) -> ReportedLabels | None:
    """The figure on images of a kind; None if no label occurs."""
    figure = scores.mean_average_precision
    if figure is None:
        return None
    interval = span(figure.low, figure.high)
    return ReportedLabels(percent(figure.value, 1), f"{scores.images:,} {kind}", interval)


def label_parts(run: RunRecord, scores: LabelScores, labels: np.ndarray) -> LabelParts:
    """The section of a finished run with several labels per image.

    Args:
        run: the run.
        scores: on some images.
        labels: of these images, uint8 (n, classes).
    """
    limits = limits_of(run)
    rows = [_row(each, limit) for each, limit in zip(scores.labels, limits, strict=True)]
    return LabelParts(rows, total_rows(scores), _together(labels, run.classes))


def total_rows(scores: LabelScores) -> list[tuple[str, str]]:
    """The figures of all labels together, each with its name."""
    return [
        ("mean average precision", figure_text(scores.mean_average_precision)),
        ("F1 micro", figure_text(scores.f1_micro)),
        ("F1 macro", figure_text(scores.f1_macro)),
        ("all labels right", f"{percent(scores.exact, 1)} of {scores.images:,} images"),
    ]


def label_lines(scores: LabelScores, limits: Sequence[float]) -> list[str]:
    """One line for each label (lowest F1 first if there are many).

    Args:
        scores: the figures.
        limits: the threshold of each label.
    """
    limit_of = dict(zip((each.name for each in scores.labels), limits, strict=True))
    ranked = sorted(scores.labels, key=lambda each: each.f1.value if each.f1 else -1.0)
    shown = scores.labels if len(scores.labels) <= _SHOWN else ranked[:_SHOWN]
    width = max(cell_len("label"), *(cell_len(one_line(each.name)) for each in shown))
    lines = [f"  {'label':<{width}}  {'average precision':<25}  {'F1':<25}  threshold  images"]
    for each in shown:
        name = one_line(each.name)
        figures = f"{figure_text(each.average_precision):<25}  {figure_text(each.f1):<25}"
        space = " " * (width - cell_len(name))
        lines.append(f"  {name}{space}  {figures}  {limit_of[each.name]:>9.3f}  {each.support:>6,}")
    if len(shown) < len(scores.labels):
        lines.append(f"  … and {len(scores.labels) - len(shown)} labels with a higher F1")
    return lines


def names_with_shares(names: Sequence[str], row: np.ndarray, chosen: np.ndarray) -> str:
    """`cat 91.0 %, dog 62.5 %` of the chosen labels, or `none`.

    Args:
        names: of the labels.
        row: their probabilities, float (labels,).
        chosen: which ones, bool (labels,).
    """
    found = [f"{names[place]} {percent(float(row[place]), 1)}" for place in np.flatnonzero(chosen).tolist()]
    return ", ".join(found) or "none"


def limits_of(run: RunRecord) -> list[float]:
    """A run's thresholds on calibrated probabilities."""
    task = run.calibrated_task
    assert isinstance(task, MultiLabel)
    return task.limits.tolist()


def _row(each: LabelScore, limit: float) -> LabelRow:
    return LabelRow(
        each.name,
        figure_text(each.average_precision),
        figure_text(each.f1),
        f"{percent(each.precision, 1)}, {percent(each.recall, 1)}",
        f"{limit:.3f}",
        each.support,
    )


def _together(labels: np.ndarray, names: Sequence[str]) -> list[tuple[str, Sequence[tuple[float, str]]]]:
    if len(names) > _CELLS:
        return []
    counts = cooccurrence(labels)
    return [
        (name, [_cell(counts, names, row, column) for column in range(len(names))]) for row, name in enumerate(names)
    ]


def _cell(counts: np.ndarray, names: Sequence[str], row: int, column: int) -> tuple[float, str]:
    own, both = int(counts[row, row]), int(counts[row, column])
    return both / max(own, 1), f"{both:,} of {own:,} images with {names[row]} have {names[column]}"
