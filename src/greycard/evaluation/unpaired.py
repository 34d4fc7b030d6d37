"""Compare one model's accuracy on two different sets of images."""

from __future__ import annotations

from dataclasses import dataclass

from greycard.evaluation.intervals import unpaired_interval


@dataclass(frozen=True)
class Unpaired:
    """The difference of two accuracies, each measured on other images; fractions.

    Attributes:
        difference: the first accuracy minus the second.
        low: the lower end of its 95 % interval.
        high: the upper end.
    """

    difference: float
    low: float
    high: float

    @property
    def is_real(self) -> bool:
        """Whether the interval is above or below zero."""
        return self.low > 0 or self.high < 0


def unpaired(first: tuple[int, int], second: tuple[int, int]) -> Unpaired:
    """Compare two accuracies, each as number of correctly predicted images and number of images, at least 1."""
    return Unpaired(first[0] / first[1] - second[0] / second[1], *unpaired_interval(first, second))
