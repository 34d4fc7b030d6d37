"""A sweep as text: a line for each combination, the effect of each field, and the comparison of the best."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from greycard.evaluation.effects import Effect
from greycard.reports.columns import loss_text, percent
from greycard.reports.compare import comparison_text
from greycard.runs.sweep_measure import Measure
from greycard.runs.sweep_result import Combination, SweepResult


def sweep_text(found: SweepResult) -> str:
    """The figures of a sweep on one screen."""
    lines = [
        f"{found.name}: {len(found.combinations)} combinations",
        *_aligned([titles_of(found), *(row_of(each, found.measure) for each in found.combinations)]),
    ]
    if found.effects:
        lines += ["", *_effects(found)]
    if found.compared:
        count = len(found.compared.groups)
        lines += ["", f"the best {count}, {comparison_text(found.compared)}"]
        if len(found.combinations) > 1:
            lines.append("  the best of several is chosen on these images, so its figure is slightly optimistic")
    return "\n".join(lines)


def titles_of(found: SweepResult) -> tuple[str, ...]:
    """The titles of the columns of `row_of`."""
    return "combination", "seeds", found.measure.title, "lowest", "highest", "val loss", ""


def row_of(each: Combination, measure: Measure) -> tuple[str, ...]:
    """A combination in the columns of the table."""
    done = f"{len(each.runs)}" if len(each.runs) == each.planned else f"{len(each.runs)} of {each.planned}"
    figures = (_figure(value, measure) for value in (each.value, each.lowest, each.highest))
    loss = "–" if each.loss is None else loss_text(each.loss)
    return each.label, done, *figures, loss, ended_text(each)


def difference_text(value: float, measure: Measure) -> str:
    """A difference of two figures with its sign, in points for fractions."""
    return f"{100 * value:+.2f}" if measure.is_fraction else f"{value:+.4g}"


def _figure(value: float | None, measure: Measure) -> str:
    if measure.is_fraction or value is None:
        return percent(value)
    return f"{value:.4g}"


def ended_text(each: Combination) -> str:
    """When a decision ended a combination, and at which accuracy; empty if none did."""
    if each.ended_after is None:
        return ""
    then = "" if each.accuracy_then is None else f" at {percent(each.accuracy_then)}"
    return f"ended after epoch {each.ended_after}{then}"


def effects_title(found: SweepResult) -> str:
    """What the effects are measured on, and what their intervals are over."""
    when = (
        "of the finished runs" if found.effects_after is None else f"after epoch {found.effects_after}, with all runs"
    )
    seeds = max(each.seeds for each in found.effects)
    how = f"95 % interval over {seeds} seeds" if seeds > 1 else "one seed, so no interval: --seeds 0-4 gives one"
    points = " in points" if found.effects_on.is_fraction else ""
    return f"effect on {found.effects_on.name}{points}, {when} ({how})"


def _effects(found: SweepResult) -> list[str]:
    return [f"{effects_title(found)}:", *_aligned([_effect(each, found.effects_on) for each in found.effects])]


def _effect(each: Effect, on: Measure) -> tuple[str, ...]:
    points = difference_text(each.difference, on)
    if each.low is None or each.high is None:
        return f"{each.field}={each.value}", points, f"against {each.baseline}"
    interval = f"({difference_text(each.low, on)} to {difference_text(each.high, on)})"
    judged = "" if each.is_real else "; the interval includes 0"
    return f"{each.field}={each.value}", f"{points} {interval}", f"against {each.baseline}{judged}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns; all but the first and the last are right-aligned."""
    widths = [max(cell_len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [_line(row, widths) for row in rows]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    last = len(row) - 1
    cells = []
    for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
        pad = " " * (width - cell_len(cell))
        cells.append(cell + pad if place in (0, last) else pad + cell)
    return f"  {'  '.join(cells)}".rstrip()
