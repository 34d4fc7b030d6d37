"""95 % confidence intervals of a proportion, and of the difference of two, on the same images or on different ones."""

from __future__ import annotations

import math

Z = 1.959963984540054
"""The 97.5 % quantile of the standard normal distribution."""


def wilson(right: int, images: int) -> tuple[float, float]:
    """The 95 % interval of an accuracy, (low, high) as fractions; it stays between 0 and 1 even for few images.

    Args:
        right: number of correctly predicted images.
        images: number of images, at least 1.

    Raises:
        ValueError: not 0 ≤ `right` ≤ `images`, or no images.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
    """
    if not 0 <= right <= images or not images:
        raise ValueError(f"expected 0 ≤ right ≤ images and 1 ≤ images. Received: {right} of {images}")
    share, spread = right / images, Z * Z / images
    centre = (share + spread / 2) / (1 + spread)
    reach = Z / (1 + spread) * math.sqrt(share * (1 - share) / images + spread / (4 * images))
    return (0.0 if right == 0 else centre - reach), (1.0 if right == images else centre + reach)


def accuracy_interval(accuracy: float, images: int) -> tuple[float, float]:
    """The `wilson` interval of an accuracy measured on this many images."""
    return wilson(round(accuracy * images), images)


def paired_interval(both: int, first: int, second: int, neither: int) -> tuple[float, float]:
    """The 95 % interval of (first accuracy - second accuracy), both on the same images.

    Args:
        both: number of images that both predict correctly.
        first: number of images that only the first predicts correctly.
        second: number of images that only the second predicts correctly.
        neither: number of images that neither predicts correctly.

    Source: Newcombe, "Improved confidence intervals for the difference between binomial proportions based on paired
    data" (1998), method 10: two Wilson intervals, combined with the correlation of the predictions.
    """
    images = both + first + second + neither
    one, other = (both + first) / images, (both + second) / images
    one_low, one_high = wilson(both + first, images)
    other_low, other_high = wilson(both + second, images)
    correlation = _correlation(both, first, second, neither)
    below = _joined(one - one_low, other_high - other, correlation)
    above = _joined(one_high - one, other - other_low, correlation)
    return one - other - below, one - other + above


def unpaired_interval(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """The 95 % interval of (first accuracy - second accuracy), each on other images.

    Args:
        first: number of correctly predicted images, and number of images, at least 1.
        second: the same of the other.

    Source: Newcombe, "Interval estimation for the difference between independent proportions" (1998), method 10.
    """
    one, other = first[0] / first[1], second[0] / second[1]
    one_low, one_high = wilson(*first)
    other_low, other_high = wilson(*second)
    below = _joined(one - one_low, other_high - other, 0.0)
    above = _joined(one_high - one, other - other_low, 0.0)
    return one - other - below, one - other + above


def _joined(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(one * one - 2 * correlation * one * other + other * other, 0.0))


def _correlation(both: int, first: int, second: int, neither: int) -> float:
    """Phi with Newcombe's continuity correction, which only widens the interval."""
    product = (both + first) * (second + neither) * (both + second) * (first + neither)
    if not product:
        return 0.0
    excess = float(both * neither - first * second)
    if excess > 0:
        excess = max(excess - (both + first + second + neither) / 2, 0.0)
    return excess / math.sqrt(product)
