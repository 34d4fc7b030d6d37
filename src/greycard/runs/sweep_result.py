"""What a sweep has found: each combination's figure, the effect of each field, and a comparison of the best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardError
from greycard.core.records import to_json
from greycard.evaluation.effects import Effect, Scored, effects
from greycard.runs.compare import Comparison, compare_groups
from greycard.runs.compare_labels import LabelComparison, compare_label_groups
from greycard.runs.compare_numbers import NumberComparison, compare_number_groups
from greycard.runs.record import RunRecord
from greycard.runs.sweep import Decision, SweepRecord
from greycard.runs.sweep_measure import ACCURACY, ERROR, PRECISION, Measure, at_epoch, measure_of
from greycard.runs.sweep_plan import Unit, Variation

AnyComparison = Comparison | NumberComparison | LabelComparison

_COMPARED = 4
"""Combinations that are compared with each other: the best ones."""


@dataclass(frozen=True)
class Combination:
    """The figures of one combination of values.

    Attributes:
        label: its values.
        runs: names of the finished runs.
        planned: number of seeds.
        value: the mean measure of the finished runs; None without one.
        lowest: of the finished runs.
        highest: of the finished runs.
        loss: the mean validation loss of the finished runs; None without one, or if it is not finite.
        ended_after: the epoch after which a decision ended it; None if none did.
        accuracy_then: its mean accuracy at that decision.
    """

    label: str
    runs: tuple[str, ...]
    planned: int
    value: float | None
    lowest: float | None
    highest: float | None
    loss: float | None
    ended_after: int | None
    accuracy_then: float | None


@dataclass(frozen=True)
class SweepResult:
    """The figures of a sweep, finished or not.

    Attributes:
        name: of its folder.
        measure: what the runs are compared by.
        combinations: in the plan's order.
        effects: of each field, on the validation images.
        effects_on: the measure of the effects.
        effects_after: the epoch of the effects' figures, at which all runs took part; None for the finished runs.
        compared: the best combinations on the same validation images; None for fewer than two, or other images.
        decisions: who continued after each rung.
    """

    name: str
    measure: Measure
    combinations: tuple[Combination, ...]
    effects: tuple[Effect, ...]
    effects_on: Measure
    effects_after: int | None
    compared: AnyComparison | None
    decisions: tuple[Decision, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "measure": self.measure.name,
            "combinations": [to_json(each) for each in self.combinations],
            "effects": [each.to_json() for each in self.effects],
            "effects_on": self.effects_on.name,
            "effects_after": self.effects_after,
            "compared": self.compared.to_json() if self.compared else None,
            "decisions": [to_json(each) for each in self.decisions],
        }


def result_of(sweep: SweepRecord) -> SweepResult:
    """The figures of a sweep's runs at this moment."""
    begun = sweep.begun()
    measure = measure_of(next(iter(begun.values()), None))
    finished = _finished(sweep, begun)
    combinations = tuple(_combination(sweep, each, finished[each.label], measure) for each in sweep.plan.variations)
    after, on, scored = _scored(sweep, begun, measure)
    compared = _compared(combinations, finished, measure)
    found = tuple(effects(scored))
    return SweepResult(sweep.name, measure, combinations, found, on, after, compared, tuple(sweep.decisions))


def _finished(sweep: SweepRecord, begun: Mapping[int, RunRecord]) -> dict[str, list[RunRecord]]:
    """The finished runs of each variation, by its label."""
    found: dict[str, list[RunRecord]] = {label: [] for label in sweep.plan.labels}
    for unit in sweep.plan.units:
        if unit.number in begun and begun[unit.number].finished:
            found[unit.variation.label].append(begun[unit.number])
    return found


def _combination(sweep: SweepRecord, variation: Variation, runs: Sequence[RunRecord], measure: Measure) -> Combination:
    values = [value for run in runs if (value := measure.of(run)) is not None]
    losses = [run.summary.val_loss for run in runs if run.summary.val_loss is not None]
    ended = next((each for each in sweep.decisions if variation.label not in each.kept), None)
    then = next((each.accuracy for each in ended.scores if each.variation == variation.label), None) if ended else None
    return Combination(
        variation.label,
        tuple(run.name for run in runs),
        len(sweep.plan.seeds),
        float(np.mean(values)) if values else None,
        min(values, default=None),
        max(values, default=None),
        float(np.mean(losses)) if losses and len(losses) == len(runs) else None,
        ended.epoch if ended else None,
        then,
    )


def _scored(
    sweep: SweepRecord, begun: Mapping[int, RunRecord], measure: Measure
) -> tuple[int | None, Measure, list[Scored]]:
    """The figure of every run at one point in training: at its end or, after halving, at the first rung."""
    found = [(unit, begun[unit.number]) for unit in sweep.plan.units if unit.number in begun]
    rungs = sweep.plan.rungs
    if rungs and not all(run.finished for _, run in found):
        on, figure = at_epoch(measure)
        known = [(unit, _at(run, rungs[0], figure)) for unit, run in found]
        return rungs[0], on, _known(known)
    return None, measure, _known([(unit, measure.of(run)) for unit, run in found if run.finished])


def _at(run: RunRecord, epoch: int, figure: Callable[[Epoch], float | None]) -> float | None:
    history = run.history
    reached = run.finished or len(history) >= epoch
    return figure(history[:epoch][-1]) if reached and history else None


def _known(found: Sequence[tuple[Unit, float | None]]) -> list[Scored]:
    return [Scored(unit.variation.settings, unit.seed, value) for unit, value in found if value is not None]


def _compared(
    combinations: Sequence[Combination], finished: Mapping[str, Sequence[RunRecord]], measure: Measure
) -> AnyComparison | None:
    """The best combinations on the same images."""
    known = [
        (measure.worseness(each.value), place) for place, each in enumerate(combinations) if each.value is not None
    ]
    best = [combinations[place].label for _, place in sorted(known)[:_COMPARED]]
    compare = _COMPARISONS.get(measure.name)
    if len(best) < 2 or compare is None:
        return None
    with suppress(GreycardError):  # fields of the split vary
        return compare([(label, finished[label]) for label in best])
    return None


_COMPARISONS: Mapping[str, Callable[[Sequence[tuple[str, Sequence[RunRecord]]]], AnyComparison]] = {
    ACCURACY.name: compare_groups,
    PRECISION.name: compare_label_groups,
    ERROR.name: compare_number_groups,
}
"""By the name of the measure."""
