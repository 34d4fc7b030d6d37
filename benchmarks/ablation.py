"""What each ingredient gains: a recipe with and without it, three seeds each, compared on the same images.

    GREYCARD_DATA=… GREYCARD_WEIGHTS=… python benchmarks/ablation.py [INGREDIENT…] [--rounds 3]

Each side of an ingredient is trained with the same seeds. The difference is the mean over the seeds, with a paired t
test over the images (`greycard compare`). An ingredient that does not help keeps its line. Writes
`results/ablation.json`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import greycard
from greycard.projects import find_project
from result import HERE, ResultFile, chosen, parser


@dataclass(frozen=True)
class Ingredient:
    """One change of a recipe.

    Attributes:
        name: what is added, in a few words.
        project: the project or record whose recipe is changed.
        without: the fields of the recipe without it, as for `train`.
        with_it: the fields of the recipe with it.
    """

    name: str
    project: str
    without: Mapping[str, Any] = field(default_factory=dict)
    with_it: Mapping[str, Any] = field(default_factory=dict)


INGREDIENTS: tuple[Ingredient, ...] = (
    Ingredient("a convolution", "digits-cnn", without={"conv": ()}),
    Ingredient("dropout", "digits-cnn", without={"dropout": 0.0}),
    Ingredient("twice the epochs", "digits-cnn", with_it={"epochs": 50}),
)
"""One line of the table each; a new ingredient is one line here."""


def main() -> None:
    options = _options()
    results = ResultFile("ablation", ("ingredient", "project"), keep=not options.quick, folder=HERE / "results")
    results.prune(
        lambda row: (row["ingredient"], row["project"]) in {(each.name, each.project) for each in INGREDIENTS}
    )
    for each in chosen("ingredient", options.ingredients, INGREDIENTS, _dataset):
        results.put(measure(each, range(options.rounds), quick=options.quick))


def measure(one: Ingredient, seeds: Sequence[int], *, quick: bool = False) -> dict[str, Any]:
    """Train both sides with every seed, and return the row of the result file."""
    few: dict[str, Any] = {"epochs": 1, "train_limit": 100, "val_limit": 50} if quick else {}
    with tempfile.TemporaryDirectory() as scratch:
        sides = [
            [_train(one.project, seed, Path(scratch, name), changes | few) for seed in seeds]
            for name, changes in (("with", dict(one.with_it)), ("without", dict(one.without)))
        ]
        found = greycard.compare([*sides[0], *sides[1]])
    ours, difference = found.groups, found.differences[0]
    return {
        "ingredient": one.name,
        "project": one.project,
        "dataset": _dataset(one),
        "images": found.images,
        "seeds": list(seeds),
        "with": ours[0].accuracies,
        "without": ours[1].accuracies,
        "difference": difference.difference,
        "low": difference.low,
        "high": difference.high,
        "p": difference.p,
        "seconds": [_seconds(side) for side in sides],
    }


def _train(project: str, seed: int, out: Path, changes: Mapping[str, Any]) -> greycard.Run:
    return greycard.train(project, seed=seed, out=out, quiet=True, **changes)


def _seconds(runs: Sequence[greycard.Run]) -> float:
    """The mean time of a whole run."""
    return sum(run.summary.time.total_seconds for run in runs) / len(runs)


def _dataset(one: Ingredient) -> str:
    return find_project(one.project).recipe.data.dataset


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=3)
    made.add_argument("ingredients", nargs="*", metavar="INGREDIENT", help="all of them by default")
    options = made.parse_args()
    if options.quick:
        options.rounds = 2
    return options


if __name__ == "__main__":
    main()
