"""Compare finished runs with the same validation images; the seeds of one recipe form a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from greycard.core.errors import GreycardError, command
from greycard.evaluation.comparison import Difference, Group, differences
from greycard.runs.record import RunRecord


@dataclass(frozen=True)
class Comparison:
    """The result of comparing runs.

    Attributes:
        images: validation images, the same for all.
        groups: one for each recipe, in the order given.
        differences: one for every pair of groups.
    """

    images: int
    groups: tuple[Group, ...]
    differences: tuple[Difference, ...]

    def __repr__(self) -> str:
        return f"Comparison({len(self.groups)} recipes on {self.images:,} validation images)"

    def to_json(self) -> dict[str, Any]:
        return {
            "images": self.images,
            "groups": [group.to_json() for group in self.groups],
            "differences": [difference.to_json() for difference in self.differences],
        }


def compare_runs(runs: Sequence[RunRecord]) -> Comparison:
    """Compare runs that were measured on the same validation images.

    Raises:
        GreycardError: fewer than two runs, a duplicate, an unfinished run, one without a class for each image, or other
            validation images.
    """
    expect_comparable(runs)
    return compare_groups([(group_label(members, runs), members) for members in by_recipe(runs)])


def compare_groups(groups: Sequence[tuple[str, Sequence[RunRecord]]]) -> Comparison:
    """Compare groups of finished runs, each with a name; the runs of a group differ in the seed.

    Raises:
        GreycardError: the runs were measured on different validation images, or have not one class for each image.
    """
    first = groups[0][1][0]
    if not first.task.has_one_class:
        raise GreycardError(
            f"{first.path} has no class for each image: {first.task.description}", hint="greycard.compare takes all"
        )
    expect_same_images([run for _, members in groups for run in members])
    named = tuple(_group(name, members) for name, members in groups)
    ids = sorted(first.predictions["ids"].tolist())
    return Comparison(len(ids), named, tuple(differences(named, ids)))


def expect_comparable(runs: Sequence[RunRecord]) -> None:
    """Raise GreycardError unless these are different finished runs that were measured on the same images."""
    _expect_two(runs)
    expect_same_images(runs)


def expect_same_images(runs: Sequence[RunRecord]) -> None:
    """Raise GreycardError unless these finished runs were measured on the same validation images."""
    for run in runs:
        _expect_same_images(runs[0], run)


def by_recipe(runs: Sequence[RunRecord]) -> list[list[RunRecord]]:
    """Group runs that differ only in the seed: same training images and same pretrained weights.

    The same seed twice on the same data is not a second seed, so it is a separate group.
    """
    gathered: dict[tuple[Any, ...], list[RunRecord]] = {}
    for run in runs:
        key, again = _without_seed(run), 0
        while any(other.recipe.training.seed == run.recipe.training.seed for other in gathered.get((key, again), ())):
            again += 1
        gathered.setdefault((key, again), []).append(run)
    return list(gathered.values())


def _without_seed(run: RunRecord) -> str:
    summary = run.summary
    trained_on = summary.data.train_digest if summary.data else summary.train_images
    weights = [file.sha256 for file in summary.weights]
    return repr((run.recipe.replace(seed=0).digest, trained_on, weights))


def _expect_two(runs: Sequence[RunRecord]) -> None:
    paths = [run.path.resolve() for run in runs]
    if len(set(paths)) < 2 or len(set(paths)) < len(paths):
        raise GreycardError(
            f"a comparison needs two different runs or more. Received: {', '.join(run.name for run in runs)}",
            hint="`greycard table` lists the runs",
        )
    for run in runs:
        run.summary  # noqa: B018 (raises for an unfinished run)
        if not run.recipe.data.has_images:
            raise GreycardError(
                f"{run.path} takes numbers; only models of images can be compared",
                hint=f"`{command('show', run.path)}` shows its results",
            )


def _expect_same_images(one: RunRecord, other: RunRecord) -> None:
    first, second = one.predictions, other.predictions
    reason = None
    if one.classes != other.classes:
        reason = f"their classes differ: {', '.join(one.classes[:5])} and {', '.join(other.classes[:5])}"
    elif set(first["ids"]) != set(second["ids"]):
        shared = len(set(first["ids"]) & set(second["ids"]))
        reason = f"they have {len(first['ids']):,} and {len(second['ids']):,} validation images, {shared:,} in common"
    elif one.recipe.data.dataset != other.recipe.data.dataset or _labels(one) != _labels(other):
        reason = f"one is of {one.recipe.data.dataset}, one of {other.recipe.data.dataset}, or their labels differ"
    if reason:
        raise GreycardError(
            f"{one.name} and {other.name} were measured on different validation images, so their results cannot be"
            f" compared: {reason}",
            hint="train both on the same split: the same folder, split_seed, val_fraction and val_limit",
        )


def _labels(run: RunRecord) -> dict[str, int]:
    return dict(zip(run.predictions["ids"].tolist(), run.predictions["labels"].tolist(), strict=True))


def _group(name: str, members: Sequence[RunRecord]) -> Group:
    return Group(name, tuple(run.name for run in members), np.stack([_right(run) for run in members]))


def group_label(members: Sequence[RunRecord], runs: Sequence[RunRecord]) -> str:
    """A unique name of the group in the comparison."""
    if len(members) == 1:
        name = members[0].name
        return name if [run.name for run in runs].count(name) == 1 else str(members[0].path)
    alike = [run for run in runs if run.recipe.name == members[0].recipe.name and run not in members]
    which = f"{len(members)} seeds" if not alike else ", ".join(run.name for run in members)
    return f"{members[0].recipe.name} ({which})"


def _right(run: RunRecord) -> np.ndarray:
    """Sorted by id, because two runs can have different orders."""
    found = run.predictions
    order = np.argsort(found["ids"], kind="stable")
    return run.task.correct(found["labels"], found["probabilities"])[order]
