"""Compare finished runs that predict numbers from the same validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from greycard.core.errors import GreycardError
from greycard.evaluation.number_comparison import NumberDifference, NumberGroup, number_differences
from greycard.runs.compare import by_recipe, expect_comparable, expect_same_images, group_label
from greycard.runs.record import RunRecord
from greycard.tasks.target import Target


@dataclass(frozen=True)
class NumberComparison:
    """The result of comparing runs that predict numbers.

    Attributes:
        images: validation images, the same for all.
        groups: one for each recipe, in the order given.
        differences: one for every pair of groups.
        target: the training numbers of the first run.
    """

    images: int
    groups: tuple[NumberGroup, ...]
    differences: tuple[NumberDifference, ...]
    target: Target

    def __repr__(self) -> str:
        return f"NumberComparison({len(self.groups)} recipes on {self.images:,} validation images)"

    def to_json(self) -> dict[str, Any]:
        return {
            "images": self.images,
            "groups": [group.to_json() for group in self.groups],
            "differences": [difference.to_json() for difference in self.differences],
        }


def compare_numbers(runs: Sequence[RunRecord]) -> NumberComparison:
    """Compare runs that predict numbers and were measured on the same validation images.

    Raises:
        GreycardError: fewer than two runs, a duplicate, an unfinished run, one with classes or with NaN among its
            predictions, or other validation images.
    """
    expect_comparable(runs)
    return compare_number_groups([(group_label(members, runs), members) for members in by_recipe(runs)])


def compare_number_groups(groups: Sequence[tuple[str, Sequence[RunRecord]]]) -> NumberComparison:
    """Compare groups of finished runs, each with a name; the runs of a group differ in the seed.

    Raises:
        GreycardError: the runs were measured on different validation images, or predict NaN.
    """
    first = groups[0][1][0]
    expect_same_images([run for _, members in groups for run in members])
    found = [
        NumberGroup(name, tuple(run.name for run in members), np.stack([_errors(run) for run in members]))
        for name, members in groups
    ]
    assert first.target is not None
    return NumberComparison(found[0].errors.shape[1], tuple(found), tuple(number_differences(found)), first.target)


def _errors(run: RunRecord) -> np.ndarray:
    """Sorted by id, because two runs can have different orders."""
    found = run.predictions
    errors = np.abs(run.task.decide(found["probabilities"].astype(np.float64)) - found["labels"])
    if not np.isfinite(errors).all():
        raise GreycardError(f"{run.path} predicts NaN or infinity", hint="leave it out, or train it again")
    return errors[np.argsort(found["ids"], kind="stable")]
