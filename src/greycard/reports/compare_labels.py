"""A comparison of runs with several labels per image as text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from greycard.evaluation.label_comparison import Change, LabelDifference, LabelGroup
from greycard.reports.columns import figure_text, percent
from greycard.reports.escapes import one_line
from greycard.runs.compare_labels import LabelComparison

_SHOWN = 5


def label_comparison_text(comparison: LabelComparison) -> str:
    """One line for each recipe, then the difference of every pair and the images behind it."""
    width = max(cell_len(group.name) for group in comparison.groups)
    lines = [f"mean average precision and F1 micro on the same {comparison.images:,} validation images:"]
    lines += [f"  {group.name}{' ' * (width - cell_len(group.name))}  {_figures(group)}" for group in comparison.groups]
    for difference in comparison.differences:
        lines += ["", *_difference(difference, len(comparison.differences))]
    if not comparison.differences:
        lines += ["", "these are seeds of one recipe: their range shows the effect of chance"]
    return "\n".join(lines)


def images_text(ids: Sequence[str]) -> str:
    """How many images, and the first of them."""
    more = ", …" if len(ids) > _SHOWN else ""
    return f"{len(ids):,}" + (f" ({', '.join(map(one_line, ids[:_SHOWN]))}{more})" if ids else "")


def _figures(group: LabelGroup) -> str:
    measured = f"{figure_text(group.mean_average_precision)}, {figure_text(group.f1_micro)}"
    if len(group.runs) == 1:
        return measured
    lowest, highest = map(percent, group.range)
    return f"{measured}, the means of {len(group.runs)} seeds with average precisions from {lowest} to {highest}"


def _difference(found: LabelDifference, of: int) -> list[str]:
    adjusted = f" (adjusted for {of} comparisons: {found.p_adjusted:.2g})" if of > 1 else ""
    judged = "significant" if found.is_real else "not significant on these images"
    return [
        f"{found.first} minus {found.second}: mean average precision {_points(found)},"
        f" p = {found.p:.2g}{adjusted}: {judged}",
        f"  F1 micro {_points(found.f1)}",
        f"  only {found.first} has all labels right: {images_text(found.only_first)}",
        f"  only {found.second} has all labels right: {images_text(found.only_second)}",
    ]


def _points(change: Change) -> str:
    value, low, high = (100 * each for each in (change.difference, change.low, change.high))
    return f"{value:+.2f} points ({low:+.2f} to {high:+.2f})"
