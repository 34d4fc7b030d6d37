"""A comparison of runs that predict numbers as text."""

from __future__ import annotations

from rich.cells import cell_len

from greycard.evaluation.number_comparison import NumberDifference, NumberGroup
from greycard.runs.compare_numbers import NumberComparison
from greycard.tasks.target import Target


def number_comparison_text(comparison: NumberComparison) -> str:
    """One line for each recipe, then the difference of every pair."""
    target = comparison.target
    width = max(cell_len(group.name) for group in comparison.groups)
    lines = [f"mean absolute error on the same {comparison.images:,} validation images:"]
    lines += [
        f"  {group.name}{' ' * (width - cell_len(group.name))}  {_error(group, target)}" for group in comparison.groups
    ]
    for difference in comparison.differences:
        lines += ["", *_difference(difference, len(comparison.differences), target)]
    if not comparison.differences:
        lines += ["", "these are seeds of one recipe: their range shows the effect of chance"]
    return "\n".join(lines)


def _error(group: NumberGroup, target: Target) -> str:
    low, high = map(target.text, group.interval)
    measured = f"{target.text(group.mae)} ({low} to {high})"
    if len(group.runs) == 1:
        return measured
    ends = f"{target.text(min(group.maes))} to {target.text(max(group.maes))}"
    return f"{measured}, the mean of {len(group.runs)} seeds from {ends}"


def _difference(found: NumberDifference, of: int, target: Target) -> list[str]:
    low, high = map(target.text, (found.low, found.high))
    adjusted = f" (adjusted for {of} comparisons: {found.p_adjusted:.2g})" if of > 1 else ""
    judged = "significant" if found.is_real else "not significant on these images"
    return [
        f"{found.first} minus {found.second}: {target.text(found.difference)} ({low} to {high}),"
        f" p = {found.p:.2g}{adjusted}: {judged}",
        f"  {found.first} is closer on {found.first_closer:,} images, {found.second} on {found.second_closer:,}",
    ]
