"""The report of a sweep: one self-contained HTML page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from greycard.core.epoch import Epoch
from greycard.evaluation.effects import Effect
from greycard.reports.columns import loss_text, percent
from greycard.reports.compare import comparison_text
from greycard.reports.interval_plot import Interval, IntervalPlot, interval_plot, place_of, reach_of, ticks_of
from greycard.reports.page import render
from greycard.reports.sweep import difference_text, effects_title, row_of, titles_of
from greycard.reports.together import curves, lines_of
from greycard.runs.compare import Comparison
from greycard.runs.sweep import Decision, SweepRecord
from greycard.runs.sweep_measure import Measure
from greycard.runs.sweep_result import AnyComparison, Combination, SweepResult, result_of

_MOST_CURVES = 12


def sweep_page(sweep: SweepRecord) -> str:
    """The page as HTML text; it loads no other files."""
    found = result_of(sweep)
    histories = _histories(sweep, found)
    return render(
        "sweep.html",
        title=f"{sweep.name}: {len(found.combinations)} combinations, {len(sweep.plan.seeds)} seeds",
        titles=titles_of(found)[1:-1],
        measure=found.measure.name,
        combinations=[row_of(each, found.measure) for each in found.combinations],
        effects=effects_title(found) if found.effects else "",
        effect_plot=effect_plot(found.effects, found.effects_on),
        effects_unit=" points" if found.effects_on.is_fraction else "",
        compared=found.compared,
        compared_plot=interval_plot(found.compared.differences) if isinstance(found.compared, Comparison) else None,
        compared_text=_comparison(found.compared),
        decisions=[_decision(each) for each in found.decisions],
        curves=curves(histories, legend=False) if histories else [],
        legend=lines_of(histories),
        runs=[run.name for run in sweep.runs],
    )


def effect_plot(effects: Sequence[Effect], on: Measure) -> IntervalPlot | None:
    """The effects on one scale; an effect without an interval is a dot."""
    if not effects:
        return None
    scale = 100 if on.is_fraction else 1
    ends = [(each.low, each.high) if each.low is not None and each.high is not None else None for each in effects]
    points = [scale * abs(end) for pair in ends if pair for end in pair]
    reach = reach_of([*points, *(scale * abs(each.difference) for each in effects)])
    intervals = (_interval(each, pair, reach, on) for each, pair in zip(effects, ends, strict=True))
    return IntervalPlot(tuple(intervals), ticks_of(reach))


def _interval(each: Effect, ends: tuple[float, float] | None, reach: float, on: Measure) -> Interval:
    low, high = ends or (each.difference, each.difference)
    span = f", 95 % interval {difference_text(low, on)} to {difference_text(high, on)}" if ends else ""
    verdict = "" if not ends else "the interval leaves out 0" if each.is_real else "the interval includes 0"
    scale, unit = (100, " points") if on.is_fraction else (1, "")
    return Interval(
        f"{each.field}={each.value}",
        each.baseline,
        place_of(scale * low, reach),
        place_of(scale * each.difference, reach),
        place_of(scale * high, reach),
        f"{difference_text(each.difference, on)}{unit}{span}",
        verdict,
        f"{each.seeds} seed{'' if each.seeds == 1 else 's'}",
    )


def _decision(each: Decision) -> dict[str, Any]:
    scores = sorted(each.scores, key=lambda score: -(score.accuracy or 0.0))
    rows = [
        (score.variation, percent(score.accuracy), "–" if score.loss is None else loss_text(score.loss),
         "continues" if score.variation in each.kept else "ends")
        for score in scores
    ]  # fmt: skip
    return {"epoch": each.epoch, "rows": rows}


def _histories(sweep: SweepRecord, found: SweepResult) -> dict[str, list[Epoch]]:
    """The epochs of each combination's first seed, of the best ones if there are many."""
    order = sorted(found.combinations, key=lambda each: (_worseness(each, found.measure), -(each.ended_after or 0)))
    shown = {each.label for each in order[:_MOST_CURVES]}
    histories, begun = {}, sweep.begun()
    for unit in sweep.plan.units[: len(sweep.plan.variations)]:
        run = begun.get(unit.number) if unit.variation.label in shown else None
        if run is not None and len(run.history) > 1:
            histories[unit.variation.label] = run.history
    return histories


def _comparison(found: AnyComparison | None) -> str:
    """As text, unless it counts the images that only one of two gets right, which are drawn."""
    return "" if found is None or isinstance(found, Comparison) else comparison_text(found)


def _worseness(each: Combination, measure: Measure) -> float:
    return math.inf if each.value is None else measure.worseness(each.value)
