"""Compare runs with several labels per image on the same images; the seeds of a recipe form a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import ndtr

from greycard.core.records import to_json
from greycard.evaluation.comparison import holm, only_right
from greycard.evaluation.label_scores import (
    QUANTILES,
    Figure,
    average_precisions,
    figure_of,
    known_mean,
    micro_f1,
    resample_weights,
)
from greycard.evaluation.paired import LEVEL


@dataclass(frozen=True)
class LabelGroup:
    """One recipe's runs, of one seed or several.

    Attributes:
        name: for display.
        runs: names of the runs, one for each seed.
        precision: the mean average precision of each run, float64 (runs, resamples + 1): of the images themselves, then
            of resamples of them, which are the same for all groups with the same images.
        f1: F1 micro in the same form.
        right: bool (runs, images): True if the run predicts exactly the labels of the image.
    """

    name: str
    runs: tuple[str, ...]
    precision: np.ndarray = field(repr=False)
    f1: np.ndarray = field(repr=False)
    right: np.ndarray = field(repr=False)

    @property
    def mean_average_precision(self) -> Figure | None:
        """The mean over the seeds; None if no image has a label."""
        return figure_of(self.precision.mean(axis=0), self.right.shape[1])

    @property
    def f1_micro(self) -> Figure | None:
        """The mean over the seeds; None if no image has a label or gets one."""
        return figure_of(self.f1.mean(axis=0), self.right.shape[1])

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest mean average precision of a seed."""
        return float(self.precision[:, 0].min()), float(self.precision[:, 0].max())

    def to_json(self) -> dict[str, Any]:
        figures = {"mean_average_precision": self.mean_average_precision, "f1_micro": self.f1_micro}
        named = {name: figure and to_json(figure) for name, figure in figures.items()}
        low, high = self.range
        return {"name": self.name, "runs": list(self.runs), **named, "lowest": low, "highest": high}


@dataclass(frozen=True)
class Change:
    """The first group's figure minus the second's, with the ends of its 95 % interval, fractions.

    Attributes:
        difference: the figure of the first minus that of the second.
        low: the lower end.
        high: the upper end.
        p: probability of such a difference, or a larger one, if both are equally good: by the normal distribution, from
            the deviation over the resamples.
    """

    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class LabelDifference(Change):
    """Two groups compared on the same images, by their mean average precision.

    Attributes:
        first: name of one group.
        second: name of the other group.
        p_adjusted: p after Holm's correction, if there are more than two groups.
        f1: the change of F1 micro.
        only_first: images that only the first predicts without a wrong label, in most of its seeds.
        only_second: images that only the second predicts without a wrong label, in most of its seeds.
    """

    first: str
    second: str
    p_adjusted: float
    f1: Change
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]

    @property
    def is_real(self) -> bool:
        """Whether the difference of the mean average precision is significant: adjusted p below 0.05."""
        return self.p_adjusted < LEVEL

    def to_json(self) -> dict[str, Any]:
        return to_json(self) | {"is_real": self.is_real}


def label_group(
    name: str, runs: Sequence[str], labels: np.ndarray, probabilities: np.ndarray, decisions: np.ndarray
) -> LabelGroup:
    """Measure a group on images and on resamples of them.

    Args:
        name: for display.
        runs: their names.
        labels: uint8 (images, labels), n at least 1.
        probabilities: float (runs, images, labels); NaN counts as 0.
        decisions: uint8 (runs, images, labels), the predicted labels.
    """
    weights = resample_weights(*labels.shape)
    ranked = np.nan_to_num(probabilities)
    precision = np.stack([known_mean(average_precisions(labels, each, weights)) for each in ranked])
    f1 = np.stack([micro_f1(labels, each, weights) for each in decisions])
    return LabelGroup(name, tuple(runs), precision, f1, (decisions == labels).all(axis=2))


def label_differences(groups: Sequence[LabelGroup], ids: Sequence[str]) -> list[LabelDifference]:
    """Compare every pair of groups, in order.

    Args:
        groups: have the same images in the same order.
        ids: of the images.
    """
    pairs = list(combinations(groups, 2))
    precisions = [change_of(one.precision.mean(axis=0) - other.precision.mean(axis=0)) for one, other in pairs]
    f1s = [change_of(one.f1.mean(axis=0) - other.f1.mean(axis=0)) for one, other in pairs]
    adjusted = holm([each.p for each in precisions])
    return [
        LabelDifference(
            *(change.difference, change.low, change.high, change.p),
            one.name,
            other.name,
            p,
            f1,
            *only_right(one.right, other.right, ids),
        )
        for (one, other), change, p, f1 in zip(pairs, precisions, adjusted, f1s, strict=True)
    ]


def change_of(differences: np.ndarray) -> Change:
    """From the difference on the images themselves, and those on resamples of them, float64 (resamples + 1,).

    The interval has plain quantiles: the bias of resampled average precisions is nearly the same for two models.
    """
    value, drawn = float(differences[0]), differences[1:][np.isfinite(differences[1:])]
    if not np.isfinite(value) or not len(drawn):
        return Change(0.0, 0.0, 0.0, 1.0)
    low, high = np.quantile(drawn, QUANTILES)
    deviation = float(drawn.std())
    p = float(2 * ndtr(-abs(value) / deviation)) if deviation else 1.0
    return Change(value, float(low), float(high), p)
