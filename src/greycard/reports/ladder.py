"""The ladder of a search as text: what was tried, what it cost, what it gained, and what more minutes would bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len

from greycard.evaluation.intervals import accuracy_interval
from greycard.reports.columns import figure_text, percent, seconds, span
from greycard.reports.number_rows import error_text
from greycard.runs.record import RunRecord
from greycard.runs.schema import Summary
from greycard.search.record import DONE, TRIED, Rung, SearchRecord

TITLES = ("recipe", "model", "expected", "took", "validation", "gain over the best before, or why it was left out")


def plan_text(record: SearchRecord, path: Path) -> str:
    """The ladder before it is climbed, with the time that each recipe may take."""
    rows = [("recipe", "model", "expected"), *((rung.name, rung.what, _expected(rung)) for rung in record.rungs)]
    return "\n".join(
        [
            f"{path}: the best model in {minutes_text(record.minutes)}; {seconds(record.spent_seconds)} have passed",
            set_aside_line(record),
            *_aligned(rows),
        ]
    )


def minutes_text(minutes: float) -> str:
    """`1 minute`, `2.5 minutes`."""
    return f"{minutes:g} minute{'' if minutes == 1 else 's'}"


def set_aside_line(record: SearchRecord) -> str:
    """Which images the reported figure comes from, and which the recipes are chosen on."""
    how = {
        "test": "the data's own test images",
        "validation": "the data's own validation images",
        "split": "split off, the same share of each class",
    }[record.set_aside.source]
    return (
        f"set aside for the reported figure: {record.set_aside.images:,} images ({how}); recipes are chosen on"
        f" {record.val_images:,} validation images"
    )


def rung_line(record: SearchRecord, rung: Rung) -> str:
    """What came of one recipe, and the best so far."""
    if rung.state != DONE:
        return f"{rung.name}: {rung.state}, {rung.why}"
    best = record.rung(record.best or rung.name)
    gain = "" if rung.gain is None else f", {gain_text(rung)}"
    return f"{rung.name}: {_figure(rung)} in {seconds(rung.seconds)}{gain}; best so far: {best.name}, {_figure(best)}"


def _figure(rung: Rung) -> str:
    """The validation accuracy, the mean average precision of several labels, or the mean absolute error of numbers."""
    if rung.val_average_precision is not None:
        return f"mAP {percent(rung.val_average_precision)}"
    return percent(rung.val_accuracy) if rung.val_mae is None else f"off by {rung.val_mae:.4g}"


def gain_text(rung: Rung) -> str:
    """The difference in points, or in the unit of numbers, with its interval and p value."""
    gain = rung.gain
    assert gain is not None
    if rung.val_mae is not None:
        nearer = f"{gain.difference:+.3g} nearer ({gain.low:+.3g} to {gain.high:+.3g})"
        return f"{nearer}, p = {gain.p:.2g}"
    points, low, high = (100 * value for value in (gain.difference, gain.low, gain.high))
    return f"{points:+.2f} points ({low:+.2f} to {high:+.2f}), p = {gain.p:.2g}"


def ladder_rows(record: SearchRecord) -> list[tuple[str, ...]]:
    """The cells of each rung, in the order of `TITLES`."""
    return [
        (
            f"{rung.name}{' (kept)' if rung.name == record.best else ''}",
            rung.what,
            _expected(rung),
            seconds(rung.seconds) if rung.state == DONE else rung.state,
            _figure(rung),
            rung.why or ("–" if rung.gain is None else gain_text(rung)),
        )
        for rung in record.rungs
    ]


def ladder_lines(record: SearchRecord, path: Path) -> list[str]:
    """The ladder of a search as lines of text."""
    lines = [
        f"ladder: {seconds(record.spent_seconds)} of {minutes_text(record.minutes)}, chosen on {record.val_images:,}"
        " validation images",
        *_aligned([TITLES, *ladder_rows(record)]),
        f"the tried runs are in {path / TRIED}",
    ]
    return [*lines, *([f"more minutes: {record.more}"] if record.more else [])]


def reported_line(summary: Summary) -> str | None:
    """The reported figure with its interval; None if no image could be set aside."""
    accuracy, images = summary.test_accuracy, summary.test_images
    if summary.numbers is not None and summary.numbers.test is not None:
        error = error_text(summary.numbers.test, summary.numbers.target)
        return f"off by {error}, on {summary.numbers.test.images:,} images that no choice has seen"
    if summary.test_labels is not None:
        figure = figure_text(summary.test_labels.mean_average_precision)
        return f"mean average precision {figure}, on {images:,} images that no choice has seen"
    if accuracy is None or not images:
        return None
    return (
        f"{percent(accuracy)} on {images:,} images that no choice has seen; 95 % interval"
        f" {span(*accuracy_interval(accuracy, images))}"
    )


def search_lines(run: RunRecord) -> list[str]:
    """The ladder and the reported figure of a run that a search chose, as lines of text; none for other runs."""
    record = run.search
    if record is None:
        return []
    reported = reported_line(run.summary) if run.finished else None
    return [*([f"reported: {reported}"] if reported else []), *ladder_lines(record, run.path)]


@dataclass(frozen=True)
class LadderPart:
    """The data of a search for the report's template."""

    reported: str | None
    aside: str
    time: str
    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    gain: str
    more: str | None


def ladder_part(run: RunRecord) -> LadderPart | None:
    """The search that chose a run, for the report; None for other runs."""
    record = run.search
    if record is None:
        return None
    return LadderPart(
        reported_line(run.summary) if run.finished else None,
        set_aside_line(record),
        f"{seconds(record.spent_seconds)} of {minutes_text(record.minutes)} were used",
        TITLES,
        ladder_rows(record),
        _gained(record),
        record.more,
    )


def _gained(record: SearchRecord) -> str:
    """What the gain of a recipe is, and the test of its p value."""
    if any(rung.val_mae is not None for rung in record.rungs):
        return "the mean absolute error, by a paired t test"
    if any(rung.val_average_precision is not None for rung in record.rungs):
        return "mean average precision, by resampled images"
    return "accuracy, by McNemar's exact test"


def _expected(rung: Rung) -> str:
    return "not measured yet" if rung.expected_seconds is None else f"≤ {seconds(rung.expected_seconds)}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
