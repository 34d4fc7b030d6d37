"""The effect of each varied field of a sweep, with an interval over the seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from greycard.core.records import to_json


@dataclass(frozen=True)
class Scored:
    """One run of a sweep.

    Attributes:
        settings: the value of each varied field, as text.
        seed: of the run.
        value: its figure.
    """

    settings: Mapping[str, str]
    seed: int
    value: float


@dataclass(frozen=True)
class Effect:
    """What one value of a field changes, compared with another; all other fields and the seed are the same.

    Attributes:
        field: the varied field.
        value: its value.
        baseline: the value that it is compared with.
        difference: the mean difference of the figures.
        low: the lower end of its 95 % interval over the seeds; None for one seed.
        high: the upper end.
        seeds: number of seeds.
        pairs: number of pairs of runs that differ only in this field.
    """

    field: str
    value: str
    baseline: str
    difference: float
    low: float | None
    high: float | None
    seeds: int
    pairs: int

    @property
    def is_real(self) -> bool:
        """Whether the interval is above or below zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    def to_json(self) -> dict[str, Any]:
        return to_json(self) | {"is_real": self.is_real}


def effects(runs: Sequence[Scored]) -> list[Effect]:
    """The effect of every value of every field, compared with the field's first value.

    For each seed, the differences of all pairs of runs that differ only in the field are averaged. The interval is
    Student's t over the seeds' averages, because runs of one seed are not independent.
    """
    known = {(_key(run.settings), run.seed): run.value for run in runs}
    values: dict[str, dict[str, None]] = {}
    for run in runs:
        for field, value in run.settings.items():
            values.setdefault(field, {})[value] = None
    found = []
    for field, (baseline, *others) in ((field, list(each)) for field, each in values.items()):
        for value in others:
            by_seed = _differences(runs, known, field, value, baseline)
            if by_seed:
                found.append(_effect(field, value, baseline, by_seed))
    return found


def _differences(
    runs: Sequence[Scored], known: Mapping[Any, float], field: str, value: str, baseline: str
) -> dict[int, list[float]]:
    by_seed: dict[int, list[float]] = {}
    for run in runs:
        other = known.get((_key({**run.settings, field: baseline}), run.seed))
        if run.settings[field] == value and other is not None:
            by_seed.setdefault(run.seed, []).append(run.value - other)
    return by_seed


def _effect(field: str, value: str, baseline: str, by_seed: Mapping[int, Sequence[float]]) -> Effect:
    means = np.array([np.mean(each) for each in by_seed.values()])
    count, difference = len(means), float(means.mean())
    low = high = None
    if count > 1:
        from scipy.stats import t

        reach = float(t.ppf(0.975, count - 1) * means.std(ddof=1) / math.sqrt(count))
        low, high = difference - reach, difference + reach
    return Effect(field, value, baseline, difference, low, high, count, sum(map(len, by_seed.values())))


def _key(settings: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(settings.items()))
