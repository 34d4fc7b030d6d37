"""A run's main figure by its task: accuracy, mean average precision, or the mean absolute error of numbers."""

from __future__ import annotations

from dataclasses import dataclass

from greycard.evaluation.intervals import accuracy_interval
from greycard.evaluation.label_scores import LabelScores
from greycard.evaluation.numbers import NumberScores
from greycard.runs.schema import Summary
from greycard.tasks.target import Target

ACCURACY, PRECISION, ERROR = "accuracy", "average_precision", "error"
"""The kinds of figures."""


@dataclass(frozen=True)
class Measured:
    """A figure with its 95 % interval.

    Attributes:
        kind: `accuracy` or `average_precision`, fractions; or `error`, in the unit of the labels.
        value: the figure.
        low: the lower end of the interval.
        high: the upper end.
        images: number of images that it was measured on.
        set_aside: whether no choice has seen these images; else they are the validation images.
        decimals: of an error, those that say something.
    """

    kind: str
    value: float
    low: float
    high: float
    images: int
    set_aside: bool = False
    decimals: int = 0


def measured_of(summary: Summary, *, set_aside: bool) -> Measured | None:
    """The figure to report: on images set aside, if a search set some aside, else on validation; None without one."""
    return (on_test(summary) if set_aside else None) or on_validation(summary)


def on_validation(summary: Summary) -> Measured | None:
    """On the validation images; None if the training failed."""
    if summary.numbers:
        return _error(summary.numbers.validation, summary.numbers.target)
    if summary.labels:
        return _precision(summary.labels)
    return _accuracy(summary.val_accuracy, summary.val_images)


def on_test(summary: Summary) -> Measured | None:
    """On images that no choice has seen; None if there are none."""
    if summary.numbers:
        test = summary.numbers.test
        return _error(test, summary.numbers.target, set_aside=True) if test else None
    if summary.labels:
        return _precision(summary.test_labels, set_aside=True) if summary.test_labels else None
    return _accuracy(summary.test_accuracy, summary.test_images or 0, set_aside=True)


def _accuracy(accuracy: float | None, images: int, *, set_aside: bool = False) -> Measured | None:
    if accuracy is None or not images:
        return None
    return Measured(ACCURACY, accuracy, *accuracy_interval(accuracy, images), images, set_aside)


def _precision(scores: LabelScores, *, set_aside: bool = False) -> Measured | None:
    figure = scores.mean_average_precision
    if figure is None:
        return None
    return Measured(PRECISION, figure.value, figure.low, figure.high, scores.images, set_aside)


def _error(scores: NumberScores, target: Target, *, set_aside: bool = False) -> Measured:
    return Measured(ERROR, scores.mae, *scores.mae_interval, scores.images, set_aside, target.decimals)
