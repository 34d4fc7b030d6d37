"""Accuracy against the number of labels, for what Studio asks to label next, for random images, and for unsure ones.

    GREYCARD_DATA=… GREYCARD_WEIGHTS=… python benchmarks/teach.py [DATASET…] [--rounds 10]

The labels of the training images are hidden, and given as a person would who follows the choice; the accuracy is that
of the probe on the validation images, which nothing else uses. A round is a seed: another random order of the images.
The intervals are those that Studio shows; how many of them contain that accuracy is counted. The seconds are those of
everything that follows one more label. Writes `results/speed/teach.json` after each dataset.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from PIL import Image

from greycard.backend.start import start
from greycard.core.paths import data_dir
from greycard.core.processor import instruction_set
from greycard.datasets.dataset import Split
from greycard.datasets.load import load_dataset
from greycard.labelling.choice import margins_of, next_images
from greycard.labelling.estimate import Estimate
from greycard.labelling.probe import Probe
from greycard.labelling.sample import random_order
from greycard.labelling.teacher import Images, Teacher
from greycard.training.logistic import Standard
from result import ResultFile, parser

_DATASETS = ("cats-and-dogs-filtered", "fashion-mnist")
_POOL, _HELD_OUT = 2_000, 1_000
_LABELS = (20, 40, 80, 160, 320, 640)
_AT_ONCE = 8
"""Images that are labelled before the next choice."""

_TIMED = 5


@dataclass(frozen=True)
class Data:
    """Features and true labels of the images to label, and of those that measure."""

    features: np.ndarray
    labels: np.ndarray
    held_out: np.ndarray
    held_out_labels: np.ndarray
    classes: int

    def probe(self) -> Probe:
        return Probe(self.classes, Standard.of([self.features]))

    def right(self, probe: Probe, known: np.ndarray) -> float:
        """The accuracy on the held-out images of a fit on the known labels."""
        found = probe.probabilities(self.features[known], self.labels[known], self.held_out)
        return float(np.mean(found.argmax(axis=1) == self.held_out_labels))

    def state(self, seed: int, known: np.ndarray) -> Images:
        """The images with these labels given, bool (n,); each seed has other keys, so another random order."""
        keys = [f"{seed} {row}" for row in range(len(self.labels))]
        labels = np.where(known, self.labels, -1)
        return Images(keys, self.features, labels, np.zeros(len(known), bool), self.classes)


Choice = Callable[[Images, np.ndarray, np.ndarray | None], np.ndarray]
"""From the images, their random order, and the probe's probabilities to the rows to label next."""


def _studio(images: Images, order: np.ndarray, probabilities: np.ndarray | None) -> np.ndarray:
    return next_images(order, images.labelled, _AT_ONCE, probabilities, images.features)


def _random(images: Images, order: np.ndarray, probabilities: np.ndarray | None) -> np.ndarray:
    return next_images(order, images.labelled, _AT_ONCE, None, images.features)


def _unsure(images: Images, order: np.ndarray, probabilities: np.ndarray | None) -> np.ndarray:
    if probabilities is None:
        return _random(images, order, None)
    rows = np.flatnonzero(~images.labelled)
    return rows[np.argsort(margins_of(probabilities[rows]), kind="stable")[:_AT_ONCE]]


_CHOICES: dict[str, Choice] = {"studio": _studio, "random": _random, "unsure": _unsure}


def main() -> None:
    options = _options()
    results = ResultFile("teach", ("dataset", "labels", "instructions"), keep=not options.quick)
    start()
    for name in options.datasets or _DATASETS:
        data = _data(name, options.quick)
        counts = [count for count in _LABELS if count <= len(data.labels) // 3]
        found = {each: [_curve(data, seed, each, counts) for seed in range(options.rounds)] for each in _CHOICES}
        for place, count in enumerate(counts):
            accuracy = {each: [curve[place][0] for curve in curves] for each, curves in found.items()}
            estimates = [(curve[place][1], curve[place][0]) for curve in found["studio"]]
            results.put(_row(name, data, count, accuracy, estimates))


def _row(
    name: str, data: Data, count: int, accuracy: dict[str, list[float]], estimates: list[tuple[Estimate | None, float]]
) -> dict[str, Any]:
    told = [(each, true) for each, true in estimates if each is not None]
    return {
        "dataset": name,
        "instructions": instruction_set(),
        "labels": count,
        "images": len(data.labels),
        "val_images": len(data.held_out_labels),
        "accuracy": accuracy,
        "intervals": len(told),
        "covering": sum(each.low <= true <= each.high for each, true in told),
        "seconds": _seconds(data, count),
    }


def _curve(data: Data, seed: int, choice: str, counts: list[int]) -> list[tuple[float, Estimate | None]]:
    """The accuracy, and what Studio says of it, at each number of labels."""
    known, probe, found = np.zeros(len(data.labels), bool), data.probe(), list[tuple[float, Estimate | None]]()
    order = random_order(data.state(seed, known).keys)
    while len(found) < len(counts):
        images = data.state(seed, known)
        probabilities = None
        if images.can_fit and choice != "random":
            probabilities = probe.probabilities(data.features[known], data.labels[known], data.features)
        for row in _CHOICES[choice](images, order, probabilities):
            known[row] = True
            if known.sum() == counts[len(found)]:
                told = Teacher().advise(data.state(seed, known), 1).estimate if choice == "studio" else None
                found.append((data.right(data.probe(), known), told))
                if len(found) == len(counts):
                    break
    return found


def _seconds(data: Data, count: int) -> float:
    """The median seconds of the advice after one more label."""
    known = np.zeros(len(data.labels), bool)
    order = random_order(data.state(0, known).keys)
    known[order[: count - _TIMED]] = True
    teacher, taken = Teacher(), list[float]()
    teacher.advise(data.state(0, known), 1)
    for row in order[count - _TIMED : count]:
        known[row] = True
        begun = perf_counter()
        teacher.advise(data.state(0, known), 24)
        taken.append(perf_counter() - begun)
    return median(taken)


def _data(name: str, quick: bool) -> Data:
    from greycard.labelling.extractor import best_extractor

    dataset, extractor = load_dataset(name, data_dir()), best_extractor()
    sizes = (120, 40) if quick else (_POOL, _HELD_OUT)
    pool, held_out = (
        split.limited(size, seed=0) for split, size in zip((dataset.train, dataset.validation), sizes, strict=True)
    )
    features = [extractor.of(_images(split)) for split in (pool, held_out)]
    return Data(features[0], pool.labels, features[1], held_out.labels, len(dataset.classes))


def _images(split: Split) -> list[Path | Image.Image]:
    if isinstance(split.images, tuple):
        return list(split.images)
    return [Image.fromarray(each) for each in split.images]


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=10)
    made.add_argument("datasets", nargs="*", metavar="DATASET", help="of the catalog, with data here")
    options = made.parse_args()
    options.rounds = 2 if options.quick else options.rounds
    return options


if __name__ == "__main__":
    main()
