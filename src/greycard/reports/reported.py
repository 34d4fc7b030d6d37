"""The accuracy that a report states first, with the images it was measured on.

A search chooses on its validation images, so its figure comes from the images that it set aside.
"""

from __future__ import annotations

from dataclasses import dataclass

from greycard.evaluation.intervals import accuracy_interval
from greycard.evaluation.label_scores import LabelScores
from greycard.reports.columns import percent, span
from greycard.runs.record import RunRecord


@dataclass(frozen=True)
class Reported:
    """An accuracy, a fraction.

    Attributes:
        value: the accuracy.
        images: how many images it was measured on.
        kind: which images these are.
        chosen: True if the same images chose the recipe or its weights.
    """

    value: float
    images: int
    kind: str
    chosen: bool

    @property
    def what(self) -> str:
        """What the figure is."""
        return "accuracy"

    @property
    def accuracy(self) -> str:
        return percent(self.value, 1)

    @property
    def interval(self) -> str:
        """The 95 % interval."""
        return span(*accuracy_interval(self.value, self.images))

    @property
    def measured_on(self) -> str:
        return f"{self.images:,} {self.kind}"


NOT_CHOSEN = "images that no choice has seen"


def reported_scores(run: RunRecord) -> tuple[LabelScores, str] | None:
    """The first figures of a finished run with several labels per image, and the kind of their images; else None."""
    summary = run.summary
    if run.search is not None and summary.test_labels is not None:
        return summary.test_labels, NOT_CHOSEN
    return None if summary.labels is None else (summary.labels, "validation images")


def reported(run: RunRecord) -> Reported | None:
    """The first figure of a finished run; None for a task without classes."""
    summary = run.summary
    if run.search is not None and summary.test_accuracy is not None and summary.test_images:
        return Reported(summary.test_accuracy, summary.test_images, NOT_CHOSEN, chosen=False)
    if summary.val_accuracy is None:
        return None
    return Reported(
        summary.val_accuracy, summary.val_images, "validation images", chosen=bool(summary.kept or run.search)
    )
