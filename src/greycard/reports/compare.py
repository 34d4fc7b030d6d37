"""A comparison of runs as text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from greycard.evaluation.comparison import Difference, Group
from greycard.reports.columns import percent, span
from greycard.reports.compare_numbers import number_comparison_text
from greycard.reports.escapes import one_line
from greycard.runs.compare import Comparison
from greycard.runs.compare_numbers import NumberComparison

_SHOWN = 5


def comparison_text(comparison: Comparison | NumberComparison) -> str:
    """One line for each recipe, then the difference of every pair and the images behind it."""
    if isinstance(comparison, NumberComparison):
        return number_comparison_text(comparison)
    width = max(cell_len(group.name) for group in comparison.groups)
    lines = [f"on the same {comparison.images:,} validation images:"]
    lines += [
        f"  {group.name}{' ' * (width - cell_len(group.name))}  {_accuracy(group)}" for group in comparison.groups
    ]
    for difference in comparison.differences:
        lines += ["", *_difference(difference, len(comparison.differences))]
    if not comparison.differences:
        lines += ["", "these are seeds of one recipe: their range shows the effect of chance"]
    return "\n".join(lines)


def _accuracy(group: Group) -> str:
    measured = f"{percent(group.accuracy)} ({span(*group.interval)})"
    if len(group.runs) == 1:
        return measured
    lowest, highest = min(group.accuracies), max(group.accuracies)
    return f"{measured}, the mean of {len(group.runs)} seeds from {percent(lowest)} to {percent(highest)}"


def _difference(found: Difference, of: int) -> list[str]:
    points, low, high = (100 * value for value in (found.difference, found.low, found.high))
    adjusted = f" (adjusted for {of} comparisons: {found.p_adjusted:.2g})" if of > 1 else ""
    judged = "significant" if found.is_real else "not significant on these images"
    return [
        f"{found.first} minus {found.second}: {points:+.2f} points ({low:+.2f} to {high:+.2f}),"
        f" p = {found.p:.2g}{adjusted}: {judged}",
        f"  only {found.first} is right: {_images(found.only_first)}",
        f"  only {found.second} is right: {_images(found.only_second)}",
    ]


def _images(ids: Sequence[str]) -> str:
    more = ", …" if len(ids) > _SHOWN else ""
    return f"{len(ids):,}" + (f" ({', '.join(map(one_line, ids[:_SHOWN]))}{more})" if ids else "")
