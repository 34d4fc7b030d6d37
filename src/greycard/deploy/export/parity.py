"""The parity check of an export: it must agree with the original on real validation images, or it is rejected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from greycard.backend.inference import Engine
from greycard.deploy.export.number_parity import NumberParity, number_parity
from greycard.deploy.export.refusal_parity import Limits, Refusals, compare_refusals
from greycard.evaluation.intervals import accuracy_interval
from greycard.pipeline.array_split import ArraySplit
from greycard.tasks.task import Task

TOLERANCE = 1e-3
"""The largest allowed difference of a probability, if both models use floating point."""

_BATCH = 32


@dataclass(frozen=True)
class ParityCheck:
    """The result of comparing an export with its original on the same images.

    Attributes:
        images: number of validation images.
        largest_difference: largest difference of a class probability.
        same_answers: number of images with the same predicted class.
        accuracy: accuracy of the export.
        original_accuracy: accuracy of the original.
        lowest_accuracy: the lower end of the original's 95 % interval.
        tolerance: largest allowed difference; None if the accuracy decides, as for int8.
        refusals: the comparison of what is refused; None if the run refuses no image.
    """

    images: int
    largest_difference: float
    same_answers: int
    accuracy: float
    original_accuracy: float
    lowest_accuracy: float
    tolerance: float | None
    refusals: Refusals | None = None

    @property
    def why_refused(self) -> str:
        """What differs, in words."""
        if self.tolerance is None:
            return (
                f"its accuracy on {self.images:,} validation images is {self.accuracy:.2%}, the original's is"
                f" {self.original_accuracy:.2%}; expected at least {self.lowest_accuracy:.2%}, the lower end of its"
                " 95 % interval"
            )
        if self.refusals is not None and self.largest_difference <= self.tolerance:
            return self.refusals.why_refused(self.images)
        return (
            f"a probability differs by {self.largest_difference:.2g} from the original's on {self.images:,} validation"
            f" images; expected at most {self.tolerance:g}"
        )

    @property
    def line(self) -> str:
        """The comparison in one line."""
        return (
            f"{self.images:,} validation images: {self.same_answers:,} with the same prediction, largest difference of"
            f" a probability {self.largest_difference:.2g}, accuracy {self.accuracy:.2%}"
            f" (original {self.original_accuracy:.2%}){f'; {self.refusals.line}' if self.refusals else ''}"
        )

    @property
    def passed(self) -> bool:
        if self.tolerance is None:
            return self.accuracy >= self.lowest_accuracy
        return self.largest_difference <= self.tolerance and (self.refusals is None or self.refusals.agree)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}


def check_parity(
    task: Task,
    original: np.ndarray,
    export: Engine,
    pixels: ArraySplit,
    *,
    exact: bool,
    limits: Limits | None = None,
) -> ParityCheck | NumberParity:
    """Run the export on the images and compare it with the original.

    Args:
        task: the run's task.
        original: the original's rows: probabilities, float (n, classes), or numbers (n, 1), and with `limits` the
            strangeness after them.
        export: the exported model as a function from images to such rows.
        pixels: validation images with their labels.
        exact: True if probabilities must agree within `TOLERANCE`, False if the accuracy must stay in its interval.
        limits: what is refused; None if no image is.
    """
    rows = np.concatenate(list(answers(export, pixels)))
    refusals = None
    if limits is not None:
        refusals = compare_refusals(original[:, -1], rows[:, -1], limits)
        original, rows = original[:, :-1], rows[:, :-1]
    if task.target is not None:
        return number_parity(pixels.labels, original, rows, task.target, refusals, exact=exact)
    return _compared(task, original, rows, pixels.labels, refusals, exact=exact)


def _compared(
    task: Task, original: np.ndarray, found: np.ndarray, labels: np.ndarray, refusals: Refusals | None, *, exact: bool
) -> ParityCheck:
    right, right_before = (task.correct(labels, rows).mean() for rows in (found, original))
    difference = np.abs(found - original).max()
    return ParityCheck(
        images=len(labels),
        largest_difference=float(difference) if np.isfinite(difference) else 1.0,
        same_answers=int(task.correct(task.decide(original), found).sum()),
        accuracy=float(right),
        original_accuracy=float(right_before),
        lowest_accuracy=accuracy_interval(float(right_before), len(labels))[0],
        tolerance=TOLERANCE if exact else None,
        refusals=refusals,
    )


def answers(engine: Engine, pixels: ArraySplit) -> Iterator[np.ndarray]:
    """Rows of all images, computed in batches."""
    for start in range(0, len(pixels), _BATCH):
        yield engine(pixels.images[start : start + _BATCH])
