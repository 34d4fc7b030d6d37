"""What each ingredient gains: a recipe with and without it, three seeds each, compared on the same images.

    GREYCARD_DATA=… GREYCARD_WEIGHTS=… python benchmarks/ablation.py [INGREDIENT…] [--rounds 3]

Each side of an ingredient is trained with the same seeds. The difference is the mean over the seeds, with a paired t
test over the images (`greycard compare`). An ingredient that does not help keeps its line. Writes
`results/ablation.json`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import greycard
from greycard.projects import find_project
from greycard.runs.compare import Comparison
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
        both: the fields of both sides: fewer epochs or images, so that three seeds take minutes.
    """

    name: str
    project: str
    without: Mapping[str, Any] = field(default_factory=dict)
    with_it: Mapping[str, Any] = field(default_factory=dict)
    both: Mapping[str, Any] = field(default_factory=dict)


_CPU = "cpu_seconds.txt"
"""The file beside a run that keeps what its training took."""

HORSES, FASHION = "horse-or-human-10-minutes-from-scratch", "fashion-mnist-10-minutes"
CATS_1, CATS_10 = "cats-and-dogs-filtered-1-minute", "cats-and-dogs-filtered-10-minutes"
_6K_IMAGES = {"epochs": 8, "train_limit": 6_000, "val_limit": 5_000}
_NO_MIRROR = {"horizontal_flip": False, "views": None}
_CONSTANT = {"schedule.kind": "constant"}
_ADAM = {"optimizer.kind": "adam", "learning_rate": 0.003, "weight_decay": 0.0}
_HEAD = {"model.kind": "pretrained", "backbone": "EfficientNetLite0", "pooling": "average", "dropout": 0.2}

INGREDIENTS: tuple[Ingredient, ...] = (
    Ingredient("logistic regression, not a head trained for 20 epochs", CATS_1, without={**_HEAD, "epochs": 20}),
    Ingredient("each image and its mirror image", CATS_1, with_it={"views": "flip"}),
    Ingredient("a second network", CATS_10, without={"backbones": ("EfficientNetLite0",)}),
    Ingredient("four versions of each image, not two", CATS_10, without={"views": "flip"}),
    Ingredient("the last block tuned", CATS_1, with_it={"fine_tune": "last", "epochs": 6}),
    Ingredient("moved by up to 2 pixels", FASHION, without={"crop_padding": 0}, both=_6K_IMAGES),
    Ingredient("mirrored in training and in prediction", FASHION, without=_NO_MIRROR, both=_6K_IMAGES),
    Ingredient("a mirror image in prediction", FASHION, without={"views": None}, both=_6K_IMAGES),
    Ingredient("a one-cycle learning rate, not a constant one", FASHION, without=_CONSTANT, both=_6K_IMAGES),
    Ingredient("SGD with Nesterov momentum, not Adam", FASHION, without=_ADAM, both=_6K_IMAGES),
    Ingredient("decoupled weight decay", FASHION, without={"weight_decay": 0.0}, both=_6K_IMAGES),
    Ingredient("label smoothing", FASHION, without={"label_smoothing": 0.0}, both=_6K_IMAGES),
    Ingredient("cutout of a quarter of the side", FASHION, with_it={"cutout": 0.25}, both=_6K_IMAGES),
    Ingredient("MixUp", FASHION, with_it={"mixup": 0.2}, both=_6K_IMAGES),
    Ingredient("the mean of the weights (EMA)", FASHION, with_it={"ema": 0.99}, both=_6K_IMAGES),
    Ingredient("twice the width and half the epochs", FASHION, with_it={"width": 32, "epochs": 4}, both=_6K_IMAGES),
    Ingredient("the enlarged middle in prediction", HORSES, without={"center_crop": 1.0}),
    Ingredient("TrivialAugment", HORSES, without={"trivial": False}),
    Ingredient("random crops", HORSES, without={"crop_scale": None}),
    Ingredient("CutMix", HORSES, with_it={"cutmix": 1.0}),
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
        [_train(one.project, seed, folder, {**one.both, **changes, **few}) for seed in seeds]
        for changes in (one.with_it, one.without)
    ]
    found = greycard.compare([*sides[0], *sides[1]])
    assert isinstance(found, Comparison)  # of accuracies: these projects have classes
    ours, difference = found.groups, found.differences[0]
    return {
        "ingredient": one.name,
        "project": one.project,
        "both": dict(one.both),
        "dataset": _dataset(one),
        "images": found.images,
        "seeds": list(seeds),
        "with": ours[0].accuracies,
        "without": ours[1].accuracies,
        "difference": difference.difference,
        "low": difference.low,
        "high": difference.high,
        "p": difference.p,
        "cpu_seconds": [cpu_seconds(side[0]) for side in sides],
    }


def _train(project: str, seed: int, folder: Path, changes: Mapping[str, Any]) -> greycard.Run:
    digest = find_project(project).recipe.replace(**changes).digest
    out = folder / f"{digest}-{seed}"
    if done := find_runs(out):
        return greycard.Run(done[0])
    os.environ["GREYCARD_CACHE"] = str(folder / f"{digest}-cache")
    before = time.process_time()
    run = greycard.train(project, seed=seed, out=out, quiet=True, **changes)
    (out / _CPU).write_text(str(time.process_time() - before), encoding="utf-8")
    return run


def cpu_seconds(run: greycard.Run) -> float:
    """Of the whole training on all cores; unlike the time on the clock, other programs hardly change it.

    For the first seed, whose cache is empty; the other seeds use the features that it has computed.
    """
    return float((Path(run.path).parent / _CPU).read_text(encoding="utf-8"))


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
