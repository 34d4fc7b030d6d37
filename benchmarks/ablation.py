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
from greycard.runs.record import find_runs
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


HORSES, CATS_1, CATS_10 = (
    "horse-or-human-10-minutes-from-scratch", "cats-and-dogs-filtered-1-minute", "cats-and-dogs-filtered-10-minutes"
)  # fmt: skip
_NO_COLOURS = {"brightness_range": None, "contrast_range": None, "saturation_range": None, "hue_range": 0}
_NO_PLACES = {"zoom_range": (1.0, 1.0), "rotation_range": 0, "width_shift_range": 0, "height_shift_range": 0}
_HEAD = {"model.kind": "pretrained", "backbone": "EfficientNetLite0", "pooling": "average", "dropout": 0.2}

INGREDIENTS: tuple[Ingredient, ...] = (
    Ingredient("logistic regression, not a head trained for 20 epochs", CATS_1, without={**_HEAD, "epochs": 20}),
    Ingredient("each image and its mirror image", CATS_1, with_it={"views": "flip"}),
    Ingredient("a second network", CATS_10, without={"backbones": ("EfficientNetLite0",)}),
    Ingredient("four versions of each image, not two", CATS_10, without={"views": "flip"}),
    Ingredient("the last block tuned", CATS_1, with_it={"fine_tune": "last", "epochs": 6}),
    Ingredient("changed colours and brightness", HORSES, without=_NO_COLOURS),
    Ingredient("smaller, shifted and turned images", HORSES, without=_NO_PLACES),
    Ingredient("a one-cycle learning rate, not a constant one", HORSES, without={"schedule.kind": "constant"}),
    Ingredient("label smoothing", HORSES, without={"label_smoothing": 0.0}),
    Ingredient("a mirror image in prediction", HORSES, without={"views": None}),
    Ingredient("CutMix", HORSES, with_it={"cutmix": 1.0}),
    Ingredient("the mean of the weights (EMA)", HORSES, with_it={"ema": 0.99}),
)
"""One line of the table each; a new ingredient is one line here."""


def main() -> None:
    options = _options()
    results = ResultFile("ablation", ("ingredient", "project"), keep=not options.quick, folder=HERE / "results")
    results.prune(
        lambda row: (row["ingredient"], row["project"]) in {(each.name, each.project) for each in INGREDIENTS}
    )
    with tempfile.TemporaryDirectory() as folder:
        for each in chosen("ingredient", options.ingredients, INGREDIENTS, _dataset):
            results.put(measure(each, range(options.rounds), Path(folder), quick=options.quick))


def measure(one: Ingredient, seeds: Sequence[int], folder: Path, *, quick: bool = False) -> dict[str, Any]:
    """Train both sides with every seed, and return the row of the result file.

    Args:
        one: the ingredient.
        seeds: of the trainings.
        folder: for the runs; a run that is already there for another ingredient is used again.
        quick: at the smallest size.
    """
    few: dict[str, Any] = {"epochs": 1, "train_limit": 100, "val_limit": 50} if quick else {}
    sides = [
        [_train(one.project, seed, folder, changes | few) for seed in seeds]
        for changes in (dict(one.with_it), dict(one.without))
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


def _train(project: str, seed: int, folder: Path, changes: Mapping[str, Any]) -> greycard.Run:
    digest = find_project(project).recipe.replace(**changes).digest
    out = folder / f"{digest}-{seed}"
    if done := find_runs(out):
        return greycard.Run(done[0])
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
