"""A comparison of runs as text."""

from __future__ import annotations

from rich.cells import cell_len

from greycard.evaluation.comparison import Difference, Group
from greycard.reports.columns import percent, span
from greycard.reports.compare_labels import images_text, label_comparison_text
from greycard.reports.compare_numbers import number_comparison_text
from greycard.runs.compare import Comparison
from greycard.runs.compare_labels import LabelComparison
from greycard.runs.compare_numbers import NumberComparison


def comparison_text(comparison: Comparison | NumberComparison | LabelComparison) -> str:
    """One line for each recipe, then the difference of every pair and the images behind it."""
    if isinstance(comparison, NumberComparison):
        return number_comparison_text(comparison)
    if isinstance(comparison, LabelComparison):
        return label_comparison_text(comparison)
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
        f"  only {found.first} is right: {images_text(found.only_first)}",
        f"  only {found.second} is right: {images_text(found.only_second)}",
    ]
