"""The numbers that a regression learns to predict, as the training images have them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from greycard.core.errors import GreycardError


@dataclass(frozen=True, kw_only=True)
class Target:
    """The distribution of the training numbers, in the user's unit.

    Attributes:
        mean: their mean.
        deviation: their standard deviation, above 0.
        median: the best guess, by absolute error, without looking at an image.
        lowest: the smallest.
        highest: the largest.
    """

    mean: float
    deviation: float
    median: float
    lowest: float
    highest: float

    @property
    def decimals(self) -> int:
        """The decimals that say something: those of three digits of the deviation."""
        return max(0, 2 - math.floor(math.log10(self.deviation)))

    def text(self, value: float) -> str:
        """A number in the user's unit, with the decimals that say something."""
        return f"{value:,.{self.decimals}f}"

    @classmethod
    def of(cls, labels: np.ndarray) -> Target:
        """That of training labels, float (n,).

        Raises:
            GreycardError: all are the same.
        """
        values = labels.astype(np.float64)
        lowest, highest = float(values.min()), float(values.max())
        deviation = float(values.std())
        if lowest == highest or not deviation:
            raise GreycardError(
                f"all {len(values):,} training images have the number {lowest:g}: there is nothing to learn",
                hint="use training images with different numbers",
            )
        return cls(
            mean=float(values.mean()),
            deviation=deviation,
            median=float(np.median(values)),
            lowest=lowest,
            highest=highest,
        )
