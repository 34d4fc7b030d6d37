"""The parity check of an export: it must agree with the original on real validation images, or it is rejected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from greycard.backend.inference import Engine
from greycard.deploy.export.number_parity import NumberParity, number_parity
from greycard.evaluation.intervals import accuracy_interval
from greycard.pipeline.array_split import ArraySplit
from greycard.tasks.task import Task

TOLERANCE = 1e-3
"""The largest allowed difference of a probability, if both models use floating point."""

_BATCH = 32


@dataclass(frozen=True)
class Refusals:
    """What an export and its original refuse, on the same images.

    Attributes:
        refused: number of images that the export refuses.
        original_refused: number of images that the original refuses.
        same: number of images on which they agree.
        largest_difference: largest difference of a squared strangeness.
    """

    refused: int
    original_refused: int
    same: int
    largest_difference: float


@dataclass(frozen=True)
class Limits:
    """The largest strangeness that is not refused, by the original and by the export."""

    original: float
    export: float


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
            return (
                f"a squared strangeness differs by {self.refusals.largest_difference:.2g} from the original's on"
                f" {self.images:,} validation images; expected at most {self.tolerance:g}"
            )
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
            f" (original {self.original_accuracy:.2%}){self._refusals_text}"
        )

    @property
    def _refusals_text(self) -> str:
        """What is none of the classes, compared."""
        found = self.refusals
        if found is None:
            return ""
        return (
            f"; none of these: {found.refused:,} (original {found.original_refused:,}), {found.same:,} with the same"
            " answer"
        )

    @property
    def passed(self) -> bool:
        if self.tolerance is None:
            return self.accuracy >= self.lowest_accuracy
        differences = [self.largest_difference, *([self.refusals.largest_difference] if self.refusals else [])]
        return max(differences) <= self.tolerance

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
        original: the original's rows: probabilities, float (n, classes), and with `limits` the strangeness after them;
            or numbers (n, 1).
        export: the exported model as a function from images to such rows.
        pixels: validation images with their labels.
        exact: True if probabilities must agree within `TOLERANCE`, False if the accuracy must stay in its interval.
        limits: what is refused; None if no image is.
    """
    rows = np.concatenate(list(answers(export, pixels)))
    if task.target is not None:
        return number_parity(pixels.labels, original, rows, task.target, exact=exact)
    refusals = None
    if limits is not None:
        refusals = _refusals(original[:, -1], rows[:, -1], limits)
        original, rows = original[:, :-1], rows[:, :-1]
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


def _refusals(original: np.ndarray, found: np.ndarray, limits: Limits) -> Refusals:
    before, after = original > limits.original, found > limits.export
    difference = np.abs(found.astype(np.float64) ** 2 - original.astype(np.float64) ** 2).max()
    return Refusals(
        refused=int(after.sum()),
        original_refused=int(before.sum()),
        same=int(np.sum(before == after)),
        largest_difference=float(difference) if np.isfinite(difference) else 1.0,
    )


def answers(engine: Engine, pixels: ArraySplit) -> Iterator[np.ndarray]:
    """Rows of all images, computed in batches."""
    for start in range(0, len(pixels), _BATCH):
        yield engine(pixels.images[start : start + _BATCH])
