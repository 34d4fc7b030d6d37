"""How sure an accuracy is: 95 % intervals of a proportion, and of the difference of two on the same images."""

from __future__ import annotations

import math

Z = 1.959963984540054
"""The standard normal's 97.5 % point."""


def wilson(right: int, images: int) -> tuple[float, float]:
    """The 95 % interval of an accuracy, (low, high) as fractions; it stays inside 0 to 1 however few the images.

    Args:
        right: images answered rightly.
        images: images asked, 1 or more.

    Raises:
        ValueError: `right` is no part of `images`.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
    """
    if not 0 <= right <= images or not images:
        raise ValueError(f"expected 0 ≤ right ≤ images and 1 ≤ images. Received: {right} of {images}")
    share, spread = right / images, Z * Z / images
    centre = (share + spread / 2) / (1 + spread)
    reach = Z / (1 + spread) * math.sqrt(share * (1 - share) / images + spread / (4 * images))
    return (0.0 if right == 0 else centre - reach), (1.0 if right == images else centre + reach)


def accuracy_interval(accuracy: float, images: int) -> tuple[float, float]:
    """`wilson` of an accuracy that was measured on so many images."""
    return wilson(round(accuracy * images), images)


def paired_interval(both: int, first: int, second: int, neither: int) -> tuple[float, float]:
    """The 95 % interval of (first accuracy - second accuracy), both on the same images.

    Args:
        both: images that both have right.
        first: images that only the first has right.
        second: images that only the second has right.
        neither: images that neither has right.

    Source: Newcombe, "Improved confidence intervals for the difference between binomial proportions based on paired
    data" (1998), method 10: the two Wilson intervals, joined by the correlation of the answers.
    """
    images = both + first + second + neither
    one, other = (both + first) / images, (both + second) / images
    one_low, one_high = wilson(both + first, images)
    other_low, other_high = wilson(both + second, images)
    correlation = _correlation(both, first, second, neither)
    below = _joined(one - one_low, other_high - other, correlation)
    above = _joined(one_high - one, other - other_low, correlation)
    return one - other - below, one - other + above


def _joined(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(one * one - 2 * correlation * one * other + other * other, 0.0))


def _correlation(both: int, first: int, second: int, neither: int) -> float:
    """Phi with Newcombe's correction for continuity, which only makes the interval wider."""
    product = (both + first) * (second + neither) * (both + second) * (first + neither)
    if not product:
        return 0.0
    excess = float(both * neither - first * second)
    if excess > 0:
        excess = max(excess - (both + first + second + neither) / 2, 0.0)
    return excess / math.sqrt(product)
