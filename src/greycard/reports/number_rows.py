"""The figures of predicted numbers as named lines of text."""

from __future__ import annotations

from dataclasses import dataclass

from greycard.evaluation.numbers import NumberScores
from greycard.evaluation.reach import SHARE, VALIDATION, Reach, least_images
from greycard.reports.columns import percent, span
from greycard.runs.numbers import NumberFigures
from greycard.tasks.target import Target

_CHOSEN = "; the epoch was chosen on these others, so their share is slightly optimistic"


@dataclass(frozen=True)
class ReportedNumber:
    """The first figure of a report about numbers: the mean absolute error, as `Reported` for classes.

    Attributes:
        accuracy: the error as text.
        interval: its 95 % interval.
        measured_on: how many images of which kind.
        what: what the figure is.
    """

    accuracy: str
    interval: str
    measured_on: str
    what: str = "mean absolute error"

    @classmethod
    def of(cls, numbers: NumberFigures) -> ReportedNumber:
        """On validation."""
        scores, text = numbers.validation, numbers.target.text
        between = " to ".join(map(text, scores.mae_interval))
        return cls(text(scores.mae), between, f"{scores.images:,} validation images")


def number_rows(numbers: NumberFigures, *, kept: bool) -> list[tuple[str, str]]:
    """The facts of a regression on images, each with its name; `kept` if validation chose the epoch."""
    target, scores = numbers.target, numbers.validation
    on_validation = numbers.reach is not None and numbers.reach.split == VALIDATION
    rows = [
        ("mean absolute error", f"{error_text(scores, target)}, on {scores.images:,} validation images"),
        ("R²", r2_text(scores)),
        ("without a model", f"always predicting the training median is off by {target.text(scores.guess_mae)}"),
        ("prediction interval", reach_text(numbers.reach, target) + (_CHOSEN if kept and on_validation else "")),
    ]
    if numbers.test is not None:
        images = f"on {numbers.test.images:,} images that were not used for model selection"
        rows.append(("test error", f"{error_text(numbers.test, target)}, {images}; R² {r2_text(numbers.test)}"))
    spread = f"mean {target.text(target.mean)}, standard deviation {target.text(target.deviation)}"
    return [*rows, ("training numbers", f"{target.text(target.lowest)} to {target.text(target.highest)}, {spread}")]


def error_text(scores: NumberScores, target: Target) -> str:
    """The mean absolute error with its interval."""
    low, high = map(target.text, scores.mae_interval)
    return f"{target.text(scores.mae)}, 95 % interval {low} to {high}"


def r2_text(scores: NumberScores) -> str:
    """R² with its interval; a dash if all true numbers are the same."""
    if scores.r2 is None or scores.r2_interval is None:
        return "–"
    low, high = scores.r2_interval
    return f"{scores.r2:.3f}, 95 % interval {low:.3f} to {high:.3f}"


def reach_text(reach: Reach | None, target: Target) -> str:
    """The width of the prediction intervals, the promise, and what was measured."""
    if reach is None:
        return f"none: {percent(SHARE, 0)} of true numbers inside can be promised from {least_images()} images on"
    return (
        f"± {target.text(reach.width)} for {percent(reach.share, 0)} of true numbers, calibrated on"
        f" {reach.calibrated_on:,} {reach.split} images; {percent(reach.coverage, 1)}"
        f" ({span(*reach.coverage_interval)}) of the other {reach.measured_on:,} are inside"
    )
