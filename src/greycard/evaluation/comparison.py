"""Compare runs: seeds of one recipe form a group, and groups are compared in pairs on the same validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from greycard.evaluation.intervals import Z, wilson
from greycard.evaluation.paired import LEVEL, paired


@dataclass(frozen=True)
class Group:
    """One recipe's runs, of one seed or several.

    Attributes:
        name: for display.
        runs: names of the runs, one for each seed.
        right: bool (runs, images): True if the run predicts the image correctly.
    """

    name: str
    runs: tuple[str, ...]
    right: np.ndarray = field(repr=False)

    @property
    def accuracies(self) -> list[float]:
        return [float(value) for value in self.right.mean(axis=1)]

    @property
    def accuracy(self) -> float:
        """Mean accuracy over the seeds."""
        return float(self.right.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the mean accuracy: Wilson's, or from the variation between images if that is wider."""
        images = self.right.shape[1]
        low, high = wilson(round(self.accuracy * images), images)
        if len(self.runs) == 1 or images == 1:
            return low, high
        reach = Z * float(self.right.mean(axis=0).std(ddof=1)) / images**0.5
        return max(0.0, min(low, self.accuracy - reach)), min(1.0, max(high, self.accuracy + reach))

    def to_json(self) -> dict[str, Any]:
        accuracies = self.accuracies
        return {
            "name": self.name,
            "runs": list(self.runs),
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "lowest": min(accuracies),
            "highest": max(accuracies),
        }


@dataclass(frozen=True)
class Difference:
    """Two groups compared on the same images.

    Attributes:
        first: name of one group.
        second: name of the other group.
        difference: the first's accuracy minus the second's, a fraction.
        low: the lower end of its 95 % interval.
        high: the upper end.
        p: McNemar's exact test for two single runs; a paired t test over the images if there are several seeds.
        p_adjusted: p after Holm's correction, if there are more than two groups.
        only_first: images that only the first predicts correctly, in most of its seeds.
        only_second: images that only the second predicts correctly, in most of its seeds.
    """

    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]

    @property
    def is_real(self) -> bool:
        """Whether the difference is significant: adjusted p below 0.05."""
        return self.p_adjusted < LEVEL

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "is_real": self.is_real,
            "only_first": list(self.only_first),
            "only_second": list(self.only_second),
        }


def differences(groups: Sequence[Group], ids: Sequence[str]) -> list[Difference]:
    """Compare every pair of groups, in order.

    Args:
        groups: their `right` arrays have the same images in the same order.
        ids: ids of these images.

    Source of the correction: Holm, "A simple sequentially rejective multiple test procedure" (1979).
    """
    pairs = list(combinations(groups, 2))
    figures = [_figures(one, other) for one, other in pairs]
    adjusted = holm([found[3] for found in figures])
    return [
        Difference(one.name, other.name, *found, p_adjusted, *only_right(one.right, other.right, ids))
        for (one, other), found, p_adjusted in zip(pairs, figures, adjusted, strict=True)
    ]


def _figures(one: Group, other: Group) -> tuple[float, float, float, float]:
    """(difference, low, high, p)."""
    if len(one.runs) == len(other.runs) == 1:
        found = paired(one.right[0], other.right[0])
        return found.difference, found.low, found.high, found.p
    return over_images(one.right.mean(axis=0) - other.right.mean(axis=0))


def over_images(difference: np.ndarray) -> tuple[float, float, float, float]:
    """Difference, interval and p of a paired t test, from each image's difference, float64 (images,)."""
    from scipy.stats import ttest_1samp

    if not difference.any():
        return 0.0, 0.0, 0.0, 1.0
    test = ttest_1samp(difference, 0.0)
    low, high = test.confidence_interval(0.95)
    return float(difference.mean()), float(low), float(high), float(test.pvalue)


def only_right(one: np.ndarray, other: np.ndarray, ids: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The images that only one of two groups, bool (seeds, images), predicts correctly in most of its seeds."""
    first, second = (right.mean(axis=0) > 0.5 for right in (one, other))
    return _named(ids, first & ~second), _named(ids, second & ~first)


def _named(ids: Sequence[str], chosen: np.ndarray) -> tuple[str, ...]:
    return tuple(ids[int(row)] for row in np.flatnonzero(chosen))


def holm(values: Sequence[float]) -> list[float]:
    """Holm's correction: each p value times the number of p values that are not smaller, in increasing order."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    adjusted, highest = [0.0] * len(values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, values[place] * (len(values) - rank)))
        adjusted[place] = highest
    return adjusted
