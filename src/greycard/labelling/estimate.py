"""How accurate the probe is on all images, what a narrower interval needs, and when more labels no longer pay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from greycard.evaluation.intervals import wilson
from greycard.evaluation.paired import Paired, paired

LEAST = 20
"""With fewer images in the sample no accuracy is told."""

PAYS = 0.02
"""More labels no longer pay when the last doubling has gained less than this, with 95 % certainty."""

_TARGETS = (0.1, 0.05, 0.02, 0.01)
_MOST = 100_000


@dataclass(frozen=True)
class Target:
    """What a narrower interval needs.

    Attributes:
        width: half the interval's width, a fraction.
        sample: number of images in the random sample.
    """

    width: float
    sample: int


@dataclass(frozen=True)
class Estimate:
    """The accuracy on all images, with and without labels.

    Attributes:
        images: images of the random sample, each predicted by a probe that did not learn from it.
        accuracy: the fraction of them that is right.
        low: the lower end of its 95 % interval.
        high: the upper end.
        target: the next narrower interval; None if the sample cannot give it.
        gain: the accuracy with all labels minus that with half of them, on the same images.
    """

    images: int
    accuracy: float
    low: float
    high: float
    target: Target | None
    gain: Paired

    @property
    def pays(self) -> bool:
        """False if more labels will hardly make it more accurate."""
        return self.gain.high >= PAYS


def estimate(right: np.ndarray, right_by_half: np.ndarray, most: int) -> Estimate | None:
    """The estimate from the images of the sample; None if they are too few.

    Args:
        right: bool (n,), which of them are right.
        right_by_half: bool (n,), the same for fits on half of the labels.
        most: number of all images, the largest possible sample.
    """
    images, count = len(right), int(right.sum())
    if images < LEAST:
        return None
    low, high = wilson(count, images)
    gain = paired(right, right_by_half)
    return Estimate(images, count / images, low, high, _target(count / images, images, (high - low) / 2, most), gain)


def _target(accuracy: float, images: int, width: float, most: int) -> Target | None:
    wanted = next((each for each in _TARGETS if each < width), None)
    if wanted is None:
        return None
    sizes = range(images + 1, min(most, _MOST) + 1)
    needed = next((size for size in sizes if _width(accuracy, size) <= wanted), None)
    return None if needed is None else Target(wanted, needed)


def _width(accuracy: float, images: int) -> float:
    low, high = wilson(round(accuracy * images), images)
    return (high - low) / 2
