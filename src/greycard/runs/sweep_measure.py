"""The figure that the runs of a sweep are compared by: that of their task, or the loss where only the loss is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from greycard.core.epoch import Epoch
from greycard.runs.record import RunRecord


@dataclass(frozen=True)
class Measure:
    """A figure on the validation images.

    Attributes:
        name: in a sentence.
        title: of a column.
        is_fraction: whether it is shown in percent, and its differences in points.
        higher_is_better: False for errors and losses.
        of: the figure of a finished run; None if it has none.
    """

    name: str
    title: str
    is_fraction: bool
    higher_is_better: bool
    of: Callable[[RunRecord], float | None] = field(repr=False)

    def worseness(self, value: float) -> float:
        """Lower is better."""
        return -value if self.higher_is_better else value


def _precision(run: RunRecord) -> float | None:
    figure = run.summary.labels.mean_average_precision if run.summary.labels else None
    return figure.value if figure else None


def _error(run: RunRecord) -> float | None:
    return run.summary.numbers.validation.mae if run.summary.numbers else None


ACCURACY = Measure("validation accuracy", "val acc", True, True, lambda run: run.summary.val_accuracy)
PRECISION = Measure("mean average precision", "mAP", True, True, _precision)
ERROR = Measure("mean absolute error", "val MAE", False, False, _error)
LOSS = Measure("validation loss", "val loss", False, False, lambda run: run.summary.val_loss)


def measure_of(run: RunRecord | None) -> Measure:
    """The measure of a run's task; of accuracy without a run."""
    if run is None or run.task.has_one_class:
        return ACCURACY
    if run.task.has_several:
        return PRECISION
    return LOSS if run.target is None else ERROR


def at_epoch(measure: Measure) -> tuple[Measure, Callable[[Epoch], float | None]]:
    """What is known after each epoch: accuracy where it is the measure, else the loss."""
    if measure is ACCURACY:
        return ACCURACY, lambda epoch: epoch.val_accuracy
    return LOSS, lambda epoch: epoch.val_loss
