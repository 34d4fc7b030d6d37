"""Compare finished runs with several labels per image and the same validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from greycard.evaluation.label_comparison import LabelDifference, LabelGroup, label_differences, label_group
from greycard.evaluation.thresholds import cross_fitted
from greycard.runs.compare import by_recipe, expect_comparable, group_label
from greycard.runs.record import RunRecord


@dataclass(frozen=True)
class LabelComparison:
    """The result of comparing runs with several labels per image.

    Attributes:
        images: validation images, the same for all.
        groups: one for each recipe, in the order given.
        differences: one for every pair of groups.
    """

    images: int
    groups: tuple[LabelGroup, ...]
    differences: tuple[LabelDifference, ...]

    def __repr__(self) -> str:
        return f"LabelComparison({len(self.groups)} recipes on {self.images:,} validation images)"

    def to_json(self) -> dict[str, Any]:
        return {
            "images": self.images,
            "groups": [group.to_json() for group in self.groups],
            "differences": [difference.to_json() for difference in self.differences],
        }


def compare_labels(runs: Sequence[RunRecord]) -> LabelComparison:
    """Compare runs with several labels per image that were measured on the same validation images.

    Raises:
        GreycardError: fewer than two runs, a duplicate, an unfinished run, other labels or other validation images.
    """
    expect_comparable(runs)
    groups = [group_of(group_label(members, runs), members) for members in by_recipe(runs)]
    ids = sorted(runs[0].predictions["ids"].tolist())
    return LabelComparison(len(ids), tuple(groups), tuple(label_differences(groups, ids)))


def group_of(name: str, members: Sequence[RunRecord]) -> LabelGroup:
    """Runs that differ in the seed as one group; the images are sorted by id, because runs can have different orders.

    Each image is decided by thresholds that were chosen on other images, as for the figures of a run.
    """
    labels, probabilities, decided = zip(*map(_sorted, members), strict=True)
    return label_group(name, [run.name for run in members], labels[0], np.stack(probabilities), np.stack(decided))


def _sorted(run: RunRecord) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = run.predictions
    order, labels, probabilities = np.argsort(found["ids"], kind="stable"), found["labels"], found["probabilities"]
    return labels[order], probabilities[order], cross_fitted(labels, probabilities)[order]
