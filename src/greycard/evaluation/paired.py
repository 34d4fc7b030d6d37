"""Paired comparison of two models on the same images, with McNemar's exact test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from greycard.evaluation.intervals import paired_interval

LEVEL = 0.05
"""The significance level."""


@dataclass(frozen=True)
class Paired:
    """The outcome of a paired comparison.

    Attributes:
        images: number of images.
        both_right: images that both predict correctly.
        only_first: images that only the first predicts correctly.
        only_second: images that only the second predicts correctly.
        difference: the first accuracy minus the second, a fraction.
        low: the lower end of its 95 % interval.
        high: the upper end.
        p: p value of McNemar's exact test: probability of such an uneven split of the differing images, or a more
            uneven one, if both models are equally good.
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
    """Compare two models from bool arrays (n,), True for correct, on the same n images in the same order.

    Raises:
        ValueError: different numbers of images, or no images.
    """
    if first.shape != second.shape or not first.size:
        raise ValueError(f"expected predictions of the same images. Received: {first.shape} and {second.shape}")
    both, only_first, only_second = (int(np.sum(each)) for each in (first & second, first & ~second, second & ~first))
    neither = len(first) - both - only_first - only_second
    low, high = paired_interval(both, only_first, only_second, neither)
    difference = (only_first - only_second) / len(first)
    return Paired(len(first), both, only_first, only_second, difference, low, high, mcnemar(only_first, only_second))


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p value of McNemar's exact test: a binomial test of the images on which two models differ."""
    from scipy.stats import binomtest  # slow to import: only if it is needed

    differing = only_first + only_second
    return float(binomtest(only_first, differing).pvalue) if differing else 1.0
