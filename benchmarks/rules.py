"""The rules by which `greycard train` chooses, each measured on both sides of its threshold.

    GREYCARD_DATA=… GREYCARD_WEIGHTS=… python benchmarks/rules.py [RULE…] [--rounds 1]

What a rule chooses and its alternative are trained on the same images and compared on the same validation images. A
rule does not hold if its alternative is right on significantly more of them (McNemar's test). Both sides have the same
epochs, or the same number of operations where that is what a rule decides. Writes `results/speed/rules.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import greycard
from greycard.core.paths import data_dir
from greycard.datasets.dataset import Dataset
from greycard.evaluation.intervals import accuracy_interval
from greycard.evaluation.paired import LEVEL, paired
from greycard.training.image_kind import ImageKind
from greycard.training.scratch import augmentation_for
from result import ResultFile, parser
from rule_data import datasets

Changes = dict[str, Any]

SCRATCH: Changes = {"weights": "none", "epochs": 15, "minutes": 60}
"""What is chosen where no pretrained weights are at hand; with time for all epochs, so 112 px for photographs."""

PROBE: Changes = {"backbone": "EfficientNetLite0"}
FOR_PHOTOGRAPHS: Changes = {
    "blocks": (1, 1, 1), "stem_stride": 2, "augmentation": augmentation_for(ImageKind(112))
}  # fmt: skip
FOR_SMALL_IMAGES: Changes = {
    "blocks": (1, 0, 1), "stem_stride": 1, "augmentation": augmentation_for(ImageKind(32)), "image_size": 64
}  # fmt: skip
PLAIN: Changes = {"augmentation": None}
MIRRORED: Changes = {"horizontal_flip": True, "views": "flip"}
_25: Changes = {"epochs": 25}
_8: Changes = {"epochs": 8}
_50: Changes = {"epochs": 50}
"""Of the network for photographs: as many operations as 15 of the network for small images."""


@dataclass(frozen=True)
class Rule:
    """One rule on one dataset.

    Attributes:
        name: what is chosen, and not what.
        data: a key of `datasets`.
        chosen: changes to `greycard.train(dataset)` under which the rule decides.
        alternative: changes that overrule it.
        limits: the number of images of both.
    """

    name: str
    data: str
    chosen: Changes = field(default_factory=dict)
    alternative: Changes = field(default_factory=dict)
    limits: Changes = field(default_factory=dict)


def _pixels(pixels: int, epochs: int) -> Changes:
    return SCRATCH | {"image_size": pixels, "epochs": epochs}


def _batches(size: int) -> Changes:
    """Batches of another size, with the learning rate that belongs to it."""
    return {"batch_size": size, "learning_rate": 0.1 * size / 128}


def _images(train: int) -> Changes:
    return {"train_limit": train, "val_limit": 1000}


RULES = (
    Rule("a probe from 12 px on", "cats-8px", SCRATCH, PROBE),
    Rule("a probe from 12 px on", "cats-12px", PROBE, SCRATCH),
    Rule("a probe from 12 px on", "cats-16px", PROBE, SCRATCH),
    Rule("a probe from 12 px on", "cats-32px", PROBE, SCRATCH),
    Rule("a probe for photographs, however few", "cats", {}, SCRATCH | {"epochs": 40}, _images(100)),
    Rule("a probe for photographs, however many", "cats", {}, SCRATCH),
    Rule("drawings and small grey images from scratch", "mnist", _25, PROBE, _images(1000)),
    Rule("drawings and small grey images from scratch", "fashion", _25, PROBE, _images(1500)),
    Rule("drawings and small grey images from scratch", "mnist-56px", {"epochs": 15}, PROBE),
    Rule("a probe on mirrored images, too", "cats", {"views": "flip"}, {"views": None}),
    Rule("224 px before mirrored images", "cats", {"views": None}, {"views": "flip", "image_size": 160}),
    Rule("up to 48 px the network for small images", "cats-48px", SCRATCH, SCRATCH | FOR_PHOTOGRAPHS | _50),
    Rule("above 48 px the network for photographs", "cats-64px", SCRATCH | _50, SCRATCH | FOR_SMALL_IMAGES),
    Rule("112 px where 100 epochs fit, not 64 px", "cats", _pixels(112, 100), _pixels(64, 100)),
    Rule("64 px where only 15 epochs of 112 px fit", "cats", _pixels(64, 46), _pixels(112, 15)),
    Rule("at most 100 epochs, not 200", "pets", SCRATCH | {"epochs": 100}, SCRATCH | {"epochs": 200}),
    Rule("from 16 px on two blocks", "cats-16px", SCRATCH, SCRATCH | {"blocks": (1, 1)}),
    Rule("batches of 128 from 10,000 images on", "fashion", _8, _8 | _batches(64), _images(12_000)),
    Rule("batches of 64 below 10,000 images", "fashion", _8, _8 | _batches(128), _images(8_000)),
    Rule("batches of 64 from 1,000 images on", "fashion", _8, _8 | _batches(32), _images(1_500)),
    Rule("batches of 32 below 1,000 images", "fashion", _8, _8 | _batches(64), _images(800)),
    Rule("photographs augmented", "cats", SCRATCH, SCRATCH | PLAIN),
    Rule("crops of 35 % of the area and more", "cats", SCRATCH, SCRATCH | {"crop_scale": (0.7, 1.0)}),
    Rule("the middle 80 % in prediction", "cats", SCRATCH, SCRATCH | {"center_crop": 1.0}),
    Rule("mirrored images in prediction", "cats", SCRATCH, SCRATCH | {"views": None}),
    Rule("small colour images augmented", "cats-32px", SCRATCH, SCRATCH | PLAIN),
    Rule("drawings augmented", "mnist", _25, _25 | PLAIN, _images(1000)),
    Rule("small grey images augmented", "fashion", _25, _25 | PLAIN, _images(1500)),
    Rule("grey images not mirrored", "mnist", _25, _25 | MIRRORED, _images(1000)),
    Rule("grey images not mirrored", "fashion", _25, _25 | MIRRORED, _images(1500)),
)


class Trainings:
    """The trainings that the rules ask for, each done once.

    Args:
        made: how each dataset is made.
        runs: the folder of runs.
        seed: of all of them.
        quick: train on a few images for one epoch.
    """

    def __init__(self, made: Mapping[str, Callable[[], Dataset]], runs: Path, seed: int, *, quick: bool) -> None:
        self._made, self._runs, self._seed, self._quick = made, runs, seed, quick
        self._done: dict[str, greycard.Run] = {}

    def row(self, rule: Rule) -> dict[str, Any]:
        """What came out of both sides of a rule, compared on the same validation images."""
        chosen = self._train(rule.data, rule.limits | rule.chosen)
        other = self._train(rule.data, rule.limits | rule.alternative)
        compared = paired(*(right(run) for run in (chosen, other)))
        return {
            "rule": rule.name,
            "data": rule.data,
            "limits": dict(rule.limits),
            "seed": self._seed,
            "train_images": chosen.summary.train_images,
            "val_images": chosen.summary.val_images,
            "chosen": _side(chosen),
            "alternative": _side(other),
            "p": compared.p,
            "holds": compared.difference >= 0 or compared.p >= LEVEL,
        }

    def _train(self, data: str, changes: Changes) -> greycard.Run:
        key = json.dumps([data, changes], sort_keys=True, default=str)
        if key not in self._done:
            small = {"train_limit": 40, "val_limit": 20, "epochs": 1} if self._quick else {}
            run = greycard.train(self._made[data](), out=self._runs, seed=self._seed, quiet=True, **changes | small)
            self._done[key] = run
        return self._done[key]


def main() -> None:
    options = _options()
    results = ResultFile("rules", ("rule", "data", "seed"), keep=not options.quick)
    results.prune(lambda row: (row["rule"], row["data"]) in {(rule.name, rule.data) for rule in RULES})
    chosen = [rule for rule in RULES if not options.rules or rule.name in options.rules]
    for seed in range(options.rounds):
        with tempfile.TemporaryDirectory() as scratch:
            os.environ["GREYCARD_CACHE"] = f"{scratch}/cache"
            trainings = Trainings(datasets(data_dir(), Path(scratch)), Path(scratch, "runs"), seed, quick=options.quick)
            for rule in chosen[-1:] if options.quick else chosen:
                results.put(trainings.row(rule))


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=1)
    made.add_argument("rules", nargs="*", metavar="RULE", help="all of them by default")
    return made.parse_args()


def right(run: greycard.Run) -> np.ndarray:
    """Whether each validation image is classified correctly, bool (n,)."""
    found = run.predictions
    return found["probabilities"].argmax(axis=1) == found["labels"]


def _side(run: greycard.Run) -> dict[str, Any]:
    summary, recipe = run.summary, run.recipe
    low, high = accuracy_interval(summary.val_accuracy or 0.0, summary.val_images)
    return {
        "recipe": f"{recipe.architecture} at {min(recipe.data.image_size or (0,))} px",
        "augmented": recipe.augmentation is not None,
        "views": recipe.prediction.views,
        "batch_size": recipe.training.batch_size,
        "epochs": summary.epochs,
        "val_accuracy": summary.val_accuracy,
        "low": low,
        "high": high,
    }


if __name__ == "__main__":
    main()
