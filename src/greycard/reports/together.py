"""The page of several runs: figures, curves in one diagram, and comparison."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from greycard.core.epoch import Epoch
from greycard.reports import figures
from greycard.reports.columns import Row, percent, span
from greycard.reports.disagreements import Disagreements, disagreements
from greycard.reports.interval_plot import IntervalPlot, interval_plot
from greycard.reports.rows import row_of
from greycard.reports.svg import SERIES_NAMES, inline_svg
from greycard.runs.compare import Comparison, compare_runs
from greycard.runs.compare_labels import LabelComparison, compare_labels
from greycard.runs.record import RunRecord

_STYLES = ("solid", "dashed", "dotted")


@dataclass(frozen=True)
class Line:
    """A run's line in the curves: its colour (a CSS variable of the page) and its border style."""

    run: str
    colour: str
    style: str


@dataclass(frozen=True)
class GroupRow:
    """One recipe of a comparison.

    Attributes:
        name: for display.
        figure: its accuracy or mean average precision.
        interval: the 95 % interval.
        seeds: the number of its runs, and from where to where their figures are.
    """

    name: str
    figure: str
    interval: str
    seeds: str


@dataclass(frozen=True)
class ComparisonPart:
    """Runs with the same validation images.

    Attributes:
        images: number of validation images.
        measure: what is compared.
        test: where p comes from.
        groups: one for each recipe.
        has_seeds: whether a recipe has several runs.
        plot: plot of the differences; None for the seeds of one recipe.
        disagreements: the images that they predict differently, if each has one class.
    """

    images: int
    measure: str
    test: str
    groups: tuple[GroupRow, ...]
    has_seeds: bool
    plot: IntervalPlot | None
    disagreements: Disagreements


@dataclass(frozen=True)
class Together:
    """Several runs on one page.

    Attributes:
        rows: one row of figures for each run, from `row_of`.
        curves: drawings of accuracy and loss.
        legend: the line of each run.
        comparisons: one for each set of runs that can be compared.
    """

    rows: Sequence[Row]
    curves: Sequence[str]
    legend: Sequence[Line]
    comparisons: Sequence[ComparisonPart]

    @property
    def has_labels(self) -> bool:
        """Whether a run has several labels per image."""
        return any(row.mean_average_precision is not None for row in self.rows)

    @property
    def published(self) -> bool:
        return any(row.published and row.published.val_accuracy is not None for row in self.rows)


def together(runs: Sequence[RunRecord]) -> Together:
    """The template's data of all runs together."""
    names = _names(runs)
    histories = {name: run.history for run, name in zip(runs, names, strict=True) if run.history}
    rows = [replace(row_of(run), run=name) for run, name in zip(runs, names, strict=True)]
    return Together(rows, curves(histories, legend=False) if histories else [], lines_of(histories), _comparisons(runs))


def lines_of(names: Iterable[str]) -> list[Line]:
    """The line of each name in the curves."""
    return [
        Line(name, SERIES_NAMES[number % len(SERIES_NAMES)], _STYLES[number // len(SERIES_NAMES) % len(_STYLES)])
        for number, name in enumerate(names)
    ]


def curves(histories: Mapping[str, Sequence[Epoch]], *, legend: bool = True) -> list[str]:
    """One drawing for accuracy and one for loss, stacked on a narrow page."""
    kinds = figures.measured_kinds(histories)
    drawings = {kind: figures.learning_curves(histories, [kind], legend=legend) for kind in kinds}
    return [inline_svg(drawing, f"{kind} by epoch") for kind, drawing in drawings.items()]


def _comparisons(runs: Sequence[RunRecord]) -> list[ComparisonPart]:
    """Group runs with the same classes and labels; only those can be compared."""
    alike: dict[Any, list[RunRecord]] = {}
    for run in runs:
        if run.task.has_classes and run.finished:
            labels = map(str, run.predictions["labels"].tolist())  # a list has no hash
            answered = zip(run.predictions["ids"].tolist(), labels, strict=True)
            alike.setdefault((run.recipe.data.dataset, run.classes, frozenset(answered)), []).append(run)
    compared = [members for members in alike.values() if len(members) > 1]
    return [(_of_labels if members[0].task.has_several else _of_classes)(members) for members in compared]


def _of_classes(runs: Sequence[RunRecord]) -> ComparisonPart:
    found = compare_runs(runs)
    rows = [
        GroupRow(each.name, percent(each.accuracy, 1), span(*each.interval), _seeds(each.accuracies))
        for each in found.groups
    ]
    test = "for two single runs from McNemar's exact test"
    return _part(found, "accuracy", test, rows, disagreements(runs, _names(runs)))


def _of_labels(runs: Sequence[RunRecord]) -> ComparisonPart:
    found = compare_labels(runs)
    figures = [(each, each.mean_average_precision) for each in found.groups]
    rows = [
        GroupRow(
            each.name, percent(figure.value, 1), span(figure.low, figure.high), _seeds(each.precision[:, 0].tolist())
        )
        for each, figure in figures
        if figure is not None
    ]
    return _part(found, "mean average precision", "from resampled images", rows, Disagreements(0, ()))


def _part(
    found: Comparison | LabelComparison, measure: str, test: str, rows: Sequence[GroupRow], differing: Disagreements
) -> ComparisonPart:
    plot = interval_plot(found.differences) if found.differences else None
    several = any(len(each.runs) > 1 for each in found.groups)
    return ComparisonPart(found.images, measure, test, tuple(rows), several, plot, differing)


def _seeds(figures: Sequence[float]) -> str:
    ends = f", from {percent(min(figures), 1)} to {percent(max(figures), 1)}" if len(figures) > 1 else ""
    return f"{len(figures)}{ends}"


def _names(runs: Sequence[RunRecord]) -> list[str]:
    """Unique names; the path if two runs have the same name."""
    names = [run.name for run in runs]
    return [run.name if names.count(run.name) == 1 else str(run.path) for run in runs]
