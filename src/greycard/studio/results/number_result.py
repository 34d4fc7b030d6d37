"""What the page shows of a run that predicts a number, beside its error."""

from __future__ import annotations

from dataclasses import dataclass

from greycard.evaluation.reach import Reach
from greycard.runs.numbers import NumberFigures


@dataclass(frozen=True)
class Intervals:
    """The prediction intervals of a run.

    Attributes:
        share: the share of true numbers that is promised to be inside.
        width: half the width of every interval, in the unit of the labels.
        inside: the measured share.
        low: the lower end of its 95 % interval.
        high: the upper end.
        images: number of images that it was measured on.
    """

    share: float
    width: float
    inside: float
    low: float
    high: float
    images: int


@dataclass(frozen=True)
class NumberResult:
    """A run that predicts a number, in the unit of the labels.

    Attributes:
        decimals: those that say something.
        r2: the share of the variance that the predictions explain; None if all true numbers are the same.
        guess: the mean absolute error of always predicting the median of the training numbers.
        learned: whether the model is significantly better than that.
        intervals: None if there are too few images for a promise.
    """

    decimals: int
    r2: float | None
    guess: float
    learned: bool
    intervals: Intervals | None


def number_result(numbers: NumberFigures) -> NumberResult:
    """The figures of a finished run."""
    target, scores, reach = numbers.target, numbers.validation, numbers.reach
    return NumberResult(
        target.decimals, scores.r2, scores.guess_mae, scores.learned, None if reach is None else _intervals(reach)
    )


def _intervals(reach: Reach) -> Intervals:
    return Intervals(reach.share, reach.width, reach.coverage, *reach.coverage_interval, reach.measured_on)
