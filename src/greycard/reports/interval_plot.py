"""Differences between runs as an interval plot with one scale and zero in the middle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from greycard.evaluation.comparison import Difference
from greycard.evaluation.label_comparison import LabelDifference

WIDTH = 400
_MIDDLE, _REACH = WIDTH / 2, WIDTH / 2 - 45


@dataclass(frozen=True)
class Interval:
    """One difference: its positions in the plot and its text.

    Attributes:
        first: name of one group.
        second: name of the other group.
        low: position of the lower end of the 95 % interval, 0 to `WIDTH`.
        middle: position of the difference.
        high: position of the upper end of the interval.
        points: the difference and its interval in words.
        verdict: which one is better, or that the difference is not significant.
        p: p value of the test, as text.
    """

    first: str
    second: str
    low: float
    middle: float
    high: float
    points: str
    verdict: str
    p: str


@dataclass(frozen=True)
class Tick:
    """A tick of the scale: its position, and its value in points."""

    place: float
    label: str


@dataclass(frozen=True)
class IntervalPlot:
    """Every difference of a comparison on one scale."""

    intervals: tuple[Interval, ...]
    ticks: tuple[Tick, ...]


def interval_plot(differences: Sequence[Difference | LabelDifference]) -> IntervalPlot:
    """Scale the differences, in order, so that the longest interval fits."""
    reach = reach_of([100 * max(abs(found.low), abs(found.high)) for found in differences])
    return IntervalPlot(tuple(_interval(found, reach, len(differences)) for found in differences), ticks_of(reach))


def ticks_of(reach: float) -> tuple[Tick, ...]:
    """The ticks of a scale from `-reach` to `reach` points."""
    return tuple(Tick(place_of(value, reach), f"{value:+g}" if value else "0") for value in (-reach, 0, reach))


def reach_of(values: Sequence[float]) -> float:
    """The largest value rounded up to one digit: 0.07 to 0.07, 20.7 to 30; if all are zero, one point."""
    points = max(values)
    if not points:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(points))
    return unit * math.ceil(points / unit)


def _interval(found: Difference | LabelDifference, reach: float, of: int) -> Interval:
    points, low, high = (100 * value for value in (found.difference, found.low, found.high))
    adjusted = f", adjusted for {of} comparisons {_p(found.p_adjusted)}" if of > 1 else ""
    return Interval(
        found.first,
        found.second,
        place_of(low, reach),
        place_of(points, reach),
        place_of(high, reach),
        f"{points:+.1f} points, 95 % interval {low:+.1f} to {high:+.1f}",
        _verdict(found),
        f"p {_p(found.p)}{adjusted}",
    )


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.2g}"


def _verdict(found: Difference | LabelDifference) -> str:
    if not found.is_real:
        return "not significant on these images"
    return f"{found.first if found.difference > 0 else found.second} is better"


def place_of(points: float, reach: float) -> float:
    """The position of a number of points, 0 to `WIDTH`."""
    return round(_MIDDLE + _REACH * points / reach, 1)
