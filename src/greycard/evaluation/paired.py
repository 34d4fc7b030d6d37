"""Two models asked about the same images: who is right where the other is not, and whether that can be chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from greycard.evaluation.intervals import paired_interval

LEVEL = 0.05
"""The p value below which a difference is called real."""


@dataclass(frozen=True)
class Paired:
    """The outcome of a paired comparison.

    Attributes:
        images: that both were asked about.
        both_right: how many of them both have right.
        only_first: how many only the first has right.
        only_second: how many only the second has right.
        difference: the first accuracy minus the second, a fraction.
        low: the lower end of its 95 % interval.
        high: the upper end.
        p: the chance of a division of the differing images as uneven as this, or more, were each as likely to fall to
            either; McNemar's exact test.
    """

    images: int
    both_right: int
    only_first: int
    only_second: int
    difference: float
    low: float
    high: float
    p: float

    @property
    def is_real(self) -> bool:
        return self.p < LEVEL


def paired(first: np.ndarray, second: np.ndarray) -> Paired:
    """Compare two models' rightness, bool (n,) each, on the same n images in the same order.

    Raises:
        ValueError: different numbers of images, or none.
    """
    if first.shape != second.shape or not first.size:
        raise ValueError(f"expected answers to the same images. Received: {first.shape} and {second.shape}")
    both, only_first, only_second = (int(np.sum(each)) for each in (first & second, first & ~second, second & ~first))
    neither = len(first) - both - only_first - only_second
    low, high = paired_interval(both, only_first, only_second, neither)
    difference = (only_first - only_second) / len(first)
    return Paired(len(first), both, only_first, only_second, difference, low, high, mcnemar(only_first, only_second))


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p value of McNemar's exact test: a binomial test of the images on which two models differ."""
    from scipy.stats import binomtest  # most of a second to import: only where there is something to test

    differing = only_first + only_second
    return float(binomtest(only_first, differing).pvalue) if differing else 1.0
