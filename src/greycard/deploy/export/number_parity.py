"""The parity check of an exported regression: its numbers must agree with the original's on real validation images."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from greycard.deploy.export.refusal_parity import Refusals
from greycard.evaluation.numbers import number_scores
from greycard.tasks.target import Target

TOLERANCE = 1e-3
"""The largest allowed difference, in standard deviations of the training numbers, if both models use floating point."""


@dataclass(frozen=True)
class NumberParity:
    """The result of comparing an exported regression with its original on the same images, in the unit of the labels.

    Attributes:
        images: number of validation images.
        largest_difference: largest difference of a number.
        mae: mean absolute error of the export.
        original_mae: mean absolute error of the original.
        highest_mae: the upper end of the original's 95 % interval.
        tolerance: largest allowed difference; None if the error decides, as for int8.
        refusals: the comparison of what is refused; None if the run refuses no image.
    """

    images: int
    largest_difference: float
    mae: float
    original_mae: float
    highest_mae: float
    tolerance: float | None
    refusals: Refusals | None = None

    @property
    def passed(self) -> bool:
        if self.tolerance is None:
            return self.mae <= self.highest_mae
        return self.largest_difference <= self.tolerance and (self.refusals is None or self.refusals.agree)

    @property
    def why_refused(self) -> str:
        """What differs, in words."""
        if self.tolerance is None:
            return (
                f"its mean absolute error on {self.images:,} validation images is {self.mae:.4g}, the original's is"
                f" {self.original_mae:.4g}; expected at most {self.highest_mae:.4g}, the upper end of its 95 % interval"
            )
        if self.refusals is not None and self.largest_difference <= self.tolerance:
            return self.refusals.why_refused(self.images)
        return (
            f"a number differs by {self.largest_difference:.2g} from the original's on {self.images:,} validation"
            f" images; expected at most {self.tolerance:.2g}"
        )

    @property
    def line(self) -> str:
        """The comparison in one line."""
        return (
            f"{self.images:,} validation images: largest difference of a number {self.largest_difference:.2g}, mean"
            f" absolute error {self.mae:.4g} (original {self.original_mae:.4g})"
            f"{f'; {self.refusals.line}' if self.refusals else ''}"
        )

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}


def number_parity(
    labels: np.ndarray,
    original: np.ndarray,
    found: np.ndarray,
    target: Target,
    refusals: Refusals | None = None,
    *,
    exact: bool,
) -> NumberParity:
    """Compare the numbers of an export with the original's.

    Args:
        labels: the true numbers of the validation images, float (n,).
        original: the original's numbers, float (n, 1).
        found: the export's numbers, float (n, 1).
        target: the training numbers.
        refusals: the comparison of what is refused; None if no image is.
        exact: True if numbers must agree, False if the error must stay in its interval.
    """
    difference = np.abs(found - original).max()
    finite = bool(np.isfinite(difference))
    before = number_scores(labels, original[:, 0], target)
    return NumberParity(
        images=len(labels),
        largest_difference=float(difference) if finite else float(np.finfo(np.float32).max),
        mae=float(np.abs(found[:, 0] - labels).mean()) if finite else float(np.finfo(np.float32).max),
        original_mae=before.mae,
        highest_mae=before.mae_interval[1],
        tolerance=TOLERANCE * target.deviation if exact else None,
        refusals=refusals,
    )
