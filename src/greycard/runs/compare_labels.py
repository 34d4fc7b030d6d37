"""Compare finished runs with several labels per image and the same validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from greycard.evaluation.label_comparison import LabelDifference, LabelGroup, label_differences, label_group
from greycard.evaluation.thresholds import cross_fitted
from greycard.runs.compare import by_recipe, expect_comparable, expect_same_images, group_label
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
    return compare_label_groups([(group_label(members, runs), members) for members in by_recipe(runs)])


def compare_label_groups(groups: Sequence[tuple[str, Sequence[RunRecord]]]) -> LabelComparison:
    """Compare groups of finished runs, each with a name; the runs of a group differ in the seed.

    Raises:
        GreycardError: the runs have other labels or other validation images.
    """
    expect_same_images([run for _, members in groups for run in members])
    ids = groups[0][1][0].predictions["ids"].tolist()
    found = [_group(name, members, ids) for name, members in groups]
    return LabelComparison(len(ids), tuple(found), tuple(label_differences(found, ids)))


def _group(name: str, members: Sequence[RunRecord], ids: Sequence[str]) -> LabelGroup:
    """Runs that differ in the seed as one group.

    Each image is decided by thresholds that were chosen on other images, as for the figures of a run.
    """
    labels, probabilities, decided = zip(*(_in_order(run, ids) for run in members), strict=True)
    return label_group(name, [run.name for run in members], labels[0], np.stack(probabilities), np.stack(decided))


def _in_order(run: RunRecord, ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities and decisions in the order of these ids, because two runs can have different orders."""
    found = run.predictions
    row_of = {id: row for row, id in enumerate(found["ids"].tolist())}
    rows, labels, probabilities = [row_of[id] for id in ids], found["labels"], found["probabilities"]
    return labels[rows], probabilities[rows], cross_fitted(labels, probabilities)[rows]
