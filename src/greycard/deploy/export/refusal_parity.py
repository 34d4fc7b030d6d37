"""What an export and its original refuse, compared on the same images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TOLERANCE = 1e-3
"""The largest allowed difference of a squared strangeness, if both models use floating point."""


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

    @property
    def agree(self) -> bool:
        """Whether the strangeness is the same but for rounding."""
        return self.largest_difference <= TOLERANCE

    def why_refused(self, images: int) -> str:
        """What differs, in words."""
        return (
            f"a squared strangeness differs by {self.largest_difference:.2g} from the original's on {images:,}"
            f" validation images; expected at most {TOLERANCE:g}"
        )

    @property
    def line(self) -> str:
        """The comparison in words."""
        return (
            f"none of these: {self.refused:,} (original {self.original_refused:,}), {self.same:,} with the same answer"
        )


@dataclass(frozen=True)
class Limits:
    """The largest strangeness that is not refused, by the original and by the export."""

    original: float
    export: float


def compare_refusals(original: np.ndarray, found: np.ndarray, limits: Limits) -> Refusals:
    """Compare the strangeness of images, float (n,), by the original and by the export."""
    before, after = original > limits.original, found > limits.export
    difference = np.abs(found.astype(np.float64) ** 2 - original.astype(np.float64) ** 2).max()
    return Refusals(
        refused=int(after.sum()),
        original_refused=int(before.sum()),
        same=int(np.sum(before == after)),
        largest_difference=float(difference) if np.isfinite(difference) else 1.0,
    )
