"""Compare runs that predict numbers by their absolute errors on the same images; the seeds of a recipe form a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from greycard.evaluation.comparison import holm, over_images
from greycard.evaluation.numbers import interval_of, resampled
from greycard.evaluation.paired import LEVEL


@dataclass(frozen=True)
class NumberGroup:
    """One recipe's runs, of one seed or several.

    Attributes:
        name: for display.
        runs: names of the runs, one for each seed.
        errors: float64 (runs, images), the absolute error of each prediction.
    """

    name: str
    runs: tuple[str, ...]
    errors: np.ndarray = field(repr=False)

    @property
    def maes(self) -> list[float]:
        return [float(value) for value in self.errors.mean(axis=1)]

    @property
    def mae(self) -> float:
        """Mean absolute error over the seeds."""
        return float(self.errors.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the mean absolute error, by the bootstrap over images."""
        return interval_of(resampled(self.errors.mean(axis=0)[None], self.errors.shape[1])[0])

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "runs": list(self.runs),
            "mae": self.mae,
            "interval": list(self.interval),
            "lowest": min(self.maes),
            "highest": max(self.maes),
        }


@dataclass(frozen=True)
class NumberDifference:
    """Two groups compared on the same images.

    Attributes:
        first: name of one group.
        second: name of the other group.
        difference: the first's mean absolute error minus the second's.
        low: the lower end of its 95 % interval.
        high: the upper end.
        p: of a paired t test of the absolute errors over the images.
        p_adjusted: p after Holm's correction, if there are more than two groups.
        first_closer: number of images where the first has the smaller error.
        second_closer: number of images where the second has the smaller error.
    """

    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float
    first_closer: int
    second_closer: int

    @property
    def is_real(self) -> bool:
        """Whether the difference is significant: adjusted p below 0.05."""
        return self.p_adjusted < LEVEL

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"is_real": self.is_real}


def number_differences(groups: Sequence[NumberGroup]) -> list[NumberDifference]:
    """Compare every pair of groups, in order; their `errors` have the same images in the same order."""
    pairs = list(combinations(groups, 2))
    paired = [one.errors.mean(axis=0) - other.errors.mean(axis=0) for one, other in pairs]
    figures = [_figures(each) for each in paired]
    adjusted = holm([found[3] for found in figures])
    return [
        NumberDifference(one.name, other.name, *found, p, int(np.sum(each < 0)), int(np.sum(each > 0)))
        for (one, other), each, found, p in zip(pairs, paired, figures, adjusted, strict=True)
    ]


def _figures(difference: np.ndarray) -> tuple[float, float, float, float]:
    """Difference, interval and p; without a spread, as for one image, there is no test."""
    if np.ptp(difference) > 1e-9 * float(np.abs(difference).max()):
        return over_images(difference)
    mean = float(difference.mean())
    return mean, mean, mean, 1.0 if len(difference) < 2 or not mean else 0.0
