"""The rules by which `greycard train` chooses, each as two trainings: what is chosen, and the alternative.

Trainings are small, so that all of them fit into half an hour, and both sides of a rule get the same epochs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import greycard
from greycard.datasets.dataset import Dataset, Split
from greycard.evaluation.intervals import accuracy_interval
from greycard.evaluation.paired import LEVEL, paired
from greycard.synthetic.sample import write_sample

Changes = dict[str, Any]

_MINUTES = 60
"""Enough for every training here on a busy machine: what ends one is its epochs or its plateau."""

SCRATCH: Changes = {"weights": "none"}
"""What is chosen where no pretrained weights are at hand."""

MOBILENET: Changes = {"backbone": "MobileNetV2"}
PLAIN: Changes = {"augmentation": None}
FLIPPED: Changes = {"horizontal_flip": True}


@dataclass(frozen=True)
class Rule:
    """One rule on one dataset.

    Attributes:
        name: what is chosen, and not what.
        data: a key of `datasets`.
        chosen: changes to `greycard.train(dataset)` under which the rule decides.
        alternative: changes that overrule it.
        limits: `train_limit`, `val_limit`, `epochs` and perhaps the backbone of both.
    """

    name: str
    data: str
    chosen: Changes = field(default_factory=dict)
    alternative: Changes = field(default_factory=dict)
    limits: Changes = field(default_factory=dict)


_DIGITS: Changes = {"train_limit": 1000, "val_limit": 1000, "epochs": 25}
_CLOTHES: Changes = {"train_limit": 1500, "val_limit": 1000, "epochs": 25}
_CATS: Changes = {"train_limit": 1000, "val_limit": 1000, "epochs": 40}

RULES = (
    Rule("weights at hand, not from scratch", "cats", {}, SCRATCH, _CATS | {"train_limit": 200}),
    Rule("weights at hand, not from scratch", "cats", {}, SCRATCH, _CATS),
    Rule("weights at hand, not from scratch", "horses", {}, SCRATCH, {"epochs": 15}),
    Rule("weights at hand, not from scratch", "pets", {}, SCRATCH, {"epochs": 100}),
    Rule("224 px for MobileNetV2, not 160", "cats", {}, {"image_size": 160}, _CATS | MOBILENET),
    Rule("224 px for MobileNetV2, not 160", "horses", {}, {"image_size": 160}, {"epochs": 15} | MOBILENET),
    Rule("weights at hand, not from scratch", "tiny-cats", {}, SCRATCH, {"epochs": 25}),
    Rule("tiny colour images augmented", "tiny-cats", SCRATCH, PLAIN, {"epochs": 25}),
    Rule("tiny drawings augmented", "mnist", {}, PLAIN, _DIGITS),
    Rule("tiny drawings augmented", "fashion", {}, PLAIN, _CLOTHES),
    Rule("drawings not mirrored", "mnist", {}, FLIPPED, _DIGITS),
    Rule("drawings not mirrored", "fashion", {}, FLIPPED, _CLOTHES),
    Rule("drawings from scratch", "large-digits", {}, MOBILENET, {"epochs": 25}),
    Rule("on to a plateau, not 20 epochs", "pets", SCRATCH, {"epochs": 20, "keep": "last"}, {"epochs": 100}),
    Rule("from scratch augmented", "cats", SCRATCH, PLAIN, _CATS),
    Rule("64 px for few images, not 96", "pets", SCRATCH, {"image_size": 96}, {"epochs": 60}),
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
        other = self._train(rule.data, rule.limits | rule.chosen | rule.alternative)
        compared = paired(*(_right(run) for run in (chosen, other)))
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
        key = json.dumps([data, changes], sort_keys=True)
        if key not in self._done:
            small = {"train_limit": 40, "val_limit": 20, "epochs": 1} if self._quick else {}
            asked: dict[str, Any] = {"minutes": _MINUTES, "seed": self._seed, **changes, **small}
            self._done[key] = greycard.train(self._made[data](), out=self._runs, quiet=True, **asked)
        return self._done[key]


def _right(run: greycard.Run) -> np.ndarray:
    """bool (validation images,)."""
    found = run.predictions
    return found["probabilities"].argmax(axis=1) == found["labels"]


def _side(run: greycard.Run) -> dict[str, Any]:
    summary, recipe = run.summary, run.recipe
    low, high = accuracy_interval(summary.val_accuracy or 0.0, summary.val_images)
    return {
        "recipe": f"{recipe.architecture} at {min(recipe.data.image_size or (0,))} px",
        "augmented": recipe.augmentation is not None,
        "epochs": summary.epochs,
        "kept_epoch": summary.kept_epoch,
        "val_accuracy": summary.val_accuracy,
        "low": low,
        "high": high,
        "seconds": summary.time.total_seconds,
    }


def datasets(data: Path, scratch: Path) -> dict[str, Callable[[], Dataset]]:
    """How each dataset is made.

    Args:
        data: the folder of the real ones.
        scratch: a folder for those that are scaled or rendered.
    """
    cats = data / "cats_and_dogs_filtered"
    return {
        "cats": lambda: greycard.load_folder(cats),
        "horses": lambda: greycard.load_folder(data / "horse-or-human"),
        "pets": lambda: _pets(scratch / "pets"),
        "tiny-cats": lambda: greycard.load_folder(_scaled(cats, scratch / "tiny-cats", 32)),
        "mnist": lambda: greycard.load_dataset("mnist", data),
        "fashion": lambda: greycard.load_dataset("fashion-mnist", data),
        "large-digits": lambda: _enlarged(greycard.load_dataset("mnist", data).limited(1000, 1000, 0), 56),
    }


def _pets(folder: Path) -> Dataset:
    if not folder.is_dir():
        write_sample(folder)
    return greycard.load_folder(folder)


def _scaled(source: Path, target: Path, side: int) -> Path:
    """The middle square of every image, scaled."""
    for path in source.glob("*/*/*.jpg"):
        place = target / path.relative_to(source).with_suffix(".png")
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            _square(Image.open(path).convert("RGB")).resize((side, side), Image.Resampling.LANCZOS).save(place)
    return target


def _square(image: Image.Image) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def _enlarged(dataset: Dataset, side: int) -> Dataset:
    return replace(
        dataset,
        name=f"{dataset.name}-{side}px",
        train=_enlarged_split(dataset.train, side),
        validation=_enlarged_split(dataset.validation, side),
    )


def _enlarged_split(split: Split, side: int) -> Split:
    assert isinstance(split.images, np.ndarray)
    images = [np.asarray(Image.fromarray(np.squeeze(image)).resize((side, side))) for image in split.images]
    return replace(split, images=np.stack(images))
