"""What a sweep has found: each combination's accuracy, the effect of each field, and a comparison of the best."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from greycard.core.errors import GreycardError
from greycard.core.records import to_json
from greycard.evaluation.effects import Effect, Scored, effects
from greycard.runs.compare import Comparison, compare_groups
from greycard.runs.record import RunRecord
from greycard.runs.sweep import Decision, SweepRecord
from greycard.runs.sweep_plan import Unit, Variation

_COMPARED = 4
"""Combinations that are compared with each other: the best ones."""


@dataclass(frozen=True)
class Combination:
    """The figures of one combination of values.

    Attributes:
        label: its values.
        runs: names of the finished runs.
        planned: number of seeds.
        accuracy: the mean of the finished runs on the validation images; None without one or without classes.
        lowest: of the finished runs.
        highest: of the finished runs.
        loss: the mean validation loss of the finished runs; None without one, or if it is not finite.
        ended_after: the epoch after which a decision ended it; None if none did.
        accuracy_then: its mean accuracy at that decision.
    """

    label: str
    runs: tuple[str, ...]
    planned: int
    accuracy: float | None
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
        combinations: in the plan's order.
        effects: of each field, on the validation images.
        effects_after: the epoch of the effects' figures, at which all runs took part; None for the finished runs.
        compared: the best combinations on the same validation images; None for fewer than two, or other images.
        decisions: who continued after each rung.
    """

    name: str
    combinations: tuple[Combination, ...]
    effects: tuple[Effect, ...]
    effects_after: int | None
    compared: Comparison | None
    decisions: tuple[Decision, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "combinations": [to_json(each) for each in self.combinations],
            "effects": [each.to_json() for each in self.effects],
            "effects_after": self.effects_after,
            "compared": self.compared.to_json() if self.compared else None,
            "decisions": [to_json(each) for each in self.decisions],
        }


def result_of(sweep: SweepRecord) -> SweepResult:
    """The figures of a sweep's runs at this moment."""
    combinations = tuple(_combination(sweep, each) for each in sweep.plan.variations)
    after, scored = _scored(sweep)
    compared = _compared(sweep, combinations)
    return SweepResult(sweep.name, combinations, tuple(effects(scored)), after, compared, tuple(sweep.decisions))


def _combination(sweep: SweepRecord, variation: Variation) -> Combination:
    runs = sweep.runs_of(variation)
    values = [run.summary.val_accuracy for run in runs if run.summary.val_accuracy is not None]
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


def _scored(sweep: SweepRecord) -> tuple[int | None, list[Scored]]:
    """The accuracy of every run at one point in training: at its end or, after halving, at the first rung."""
    found = [(unit, run) for unit in sweep.plan.units if (run := sweep.run_of(unit)) is not None]
    rungs = sweep.plan.rungs
    if rungs and not all(run.finished for _, run in found):
        known = [(unit, _accuracy_at(run, rungs[0])) for unit, run in found]
        return rungs[0], _known(known)
    return None, _known([(unit, run.summary.val_accuracy) for unit, run in found if run.finished])


def _accuracy_at(run: RunRecord, epoch: int) -> float | None:
    history = run.history
    reached = run.finished or len(history) >= epoch
    return history[:epoch][-1].val_accuracy if reached and history else None


def _known(found: Sequence[tuple[Unit, float | None]]) -> list[Scored]:
    return [Scored(unit.variation.settings, unit.seed, accuracy) for unit, accuracy in found if accuracy is not None]


def _compared(sweep: SweepRecord, combinations: Sequence[Combination]) -> Comparison | None:
    known = [(each.accuracy, place) for place, each in enumerate(combinations) if each.accuracy is not None]
    best = sorted(known, key=lambda pair: (-pair[0], pair[1]))[:_COMPARED]
    if len(best) < 2:
        return None
    variations = [sweep.plan.variations[place] for _, place in best]
    with suppress(GreycardError):  # fields of the split vary
        return compare_groups([(each.label, sweep.runs_of(each)) for each in variations])
    return None
