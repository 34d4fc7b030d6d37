"""Several labels per image, with known truth: figures, intervals, and thresholds from the same and from other images.

    GREYCARD_DATA=… python benchmarks/multilabel.py [DATA…] [--rounds 3]

Images are composed from real ones: 2×2 grids of MNIST digits or of Fashion-MNIST, whose cells are empty with a chance
of one half, with faint noise; and rendered scenes with up to three animals. Training, validation and test images have
no part in common. A round is a seed: of the images and of the training. The recipe was fixed before anything was
measured.

Each figure on test images is also computed by scikit-learn, from the same probabilities; `largest_difference` is how
far they are apart. F1 on validation is computed twice: with thresholds from the other half, as a run reports it, and
with thresholds from the same images. The more accurate one is closer to F1 on the test images. `intervals_that_hold`
counts the validation intervals of the mean average precision that contain the figure on the test images. Writes
`results/speed/multilabel.json` after each row.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from sklearn.metrics import average_precision_score, f1_score

import greycard
from greycard.backend.start import start
from greycard.core.paths import data_dir
from greycard.datasets.dataset import Dataset, Split
from greycard.datasets.load import load_dataset
from greycard.evaluation.label_scores import Figure, LabelScores
from greycard.evaluation.thresholds import choose_thresholds
from greycard.synthetic.sample import CLASSES, head_mask, render
from greycard.tasks.multilabel import MultiLabel
from result import ResultFile, parser

COUNTS, QUICK = (2_000, 600, 1_000), (200, 80, 80)
"""Training, validation and test images."""

SCENES = (800, 300, 400)
_CELL, _SIDE, _HEAD, _NOISE = 28, 96, 44, 24
RECIPE: dict[str, Any] = {"conv": (32, 64), "dense": (128,), "dropout": 0.3, "epochs": 12}
"""Of every network; nothing is chosen on validation but the thresholds and the temperature."""


def main() -> None:
    options = _options()
    results = ResultFile("multilabel", ("data",), keep=not options.quick)
    start()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GREYCARD_CACHE"] = str(Path(folder, "cache"))
        for name in options.data or _DATA:
            results.put(_row(name, options, Path(folder)))


def _row(name: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    rounds = []
    for seed in range(options.rounds):
        dataset = _DATA[name](seed, options.quick)
        height, width = dataset.train.images.shape[1:3]  # type: ignore[union-attr]
        channels = 3 if dataset.train.images.ndim == 4 else 1  # type: ignore[union-attr]
        settings = RECIPE | {"epochs": 1 if options.quick else RECIPE["epochs"]}
        recipe = greycard.Recipe.make(name, name, image_size=(height, width), channels=channels, seed=seed, **settings)
        begun = time.perf_counter()
        run = greycard.train(recipe, dataset, out=folder / "runs", quiet=True)
        rounds.append(_figures(run, dataset) | {"minutes": (time.perf_counter() - begun) / 60})
    return {
        "data": name,
        "labels": len(dataset.classes),
        "images": [len(split) for split in dataset.splits],
        "rounds": len(rounds),
        **{key: [each[key] for each in rounds] for key in rounds[0]},
        "intervals_that_hold": sum(low <= test <= high for (_, low, high), test in _pairs(rounds)),
    }


def _pairs(rounds: list[dict[str, Any]]) -> list[tuple[list[float], float]]:
    return [(each["validation_map"], each["map"][0]) for each in rounds]


def _figures(run: greycard.Run, dataset: Dataset) -> dict[str, Any]:
    """The run's figures on test images with their intervals, and what they are compared with."""
    summary, test = run.summary, dataset.test
    assert test is not None
    assert summary.labels is not None
    assert summary.test_labels is not None
    assert isinstance(run.task, MultiLabel)
    probabilities = np.asarray(run.model.predict(_pixels(test), batch_size=64, verbose=0))
    predicted = run.predictions
    same = predicted["probabilities"] >= choose_thresholds(predicted["labels"], predicted["probabilities"])
    return {
        "map": _triple(summary.test_labels.mean_average_precision),
        "f1_micro": _triple(summary.test_labels.f1_micro),
        "f1_macro": _triple(summary.test_labels.f1_macro),
        "exact": summary.test_labels.exact,
        "largest_difference": _difference(summary.test_labels, test.labels, probabilities, run.task),
        "f1_micro_at_half": float(f1_score(test.labels, probabilities >= 0.5, average="micro")),
        "validation_map": _triple(summary.labels.mean_average_precision),
        "validation_f1_micro": _triple(summary.labels.f1_micro),
        "validation_f1_micro_same_images": float(f1_score(predicted["labels"], same, average="micro")),
        "weakest": min((each.f1.value, each.name) for each in summary.test_labels.labels if each.f1)[1],
        "epoch_seconds": summary.seconds_per_epoch,
    }


def _difference(found: LabelScores, labels: np.ndarray, probabilities: np.ndarray, task: MultiLabel) -> float:
    """The largest difference between any figure and scikit-learn's."""
    decided = task.decide(probabilities)
    pairs = [
        (found.mean_average_precision, average_precision_score(labels, probabilities, average="macro")),
        (found.f1_micro, f1_score(labels, decided, average="micro")),
        (found.f1_macro, f1_score(labels, decided, average="macro")),
        *zip((each.f1 for each in found.labels), f1_score(labels, decided, average=None), strict=True),
        *(
            (each.average_precision, average_precision_score(labels[:, place], probabilities[:, place]))
            for place, each in enumerate(found.labels)
        ),
    ]
    return max(abs(figure.value - float(expected)) for figure, expected in pairs if figure)


def _triple(figure: Figure | None) -> list[float]:
    assert figure is not None
    return [figure.value, figure.low, figure.high]


def _pixels(split: Split) -> np.ndarray:
    images = np.asarray(split.images)
    return images if images.ndim == 4 else images[..., None]


def _grids(name: str) -> Callable[[int, bool], Dataset]:
    """2×2 grids of the images of a dataset; test and validation images share no cell."""

    def make(seed: int, quick: bool) -> Dataset:
        whole, random = load_dataset(name, data_dir()), np.random.default_rng(seed)
        rows = random.permutation(len(whole.validation))  # the halves of MNIST's own order are of unlike difficulty
        halves = [whole.validation.take(each) for each in np.array_split(rows, 2)]
        sources = (whole.train, *halves)
        splits = [
            _grid_split(each, count, len(whole.classes), random)
            for each, count in zip(sources, QUICK if quick else COUNTS, strict=True)
        ]
        return _dataset(f"{name}-grids", whole.classes, splits)

    return make


def _grid_split(source: Split, count: int, classes: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    images = random.integers(0, _NOISE, (count, 2 * _CELL, 2 * _CELL), dtype=np.uint8)
    labels = np.zeros((count, classes), np.uint8)
    for row in range(count):
        for top in (0, _CELL):
            for left in (0, _CELL):
                if random.random() < 0.5:
                    chosen = int(random.integers(len(source)))
                    part = images[row, top : top + _CELL, left : left + _CELL]
                    np.maximum(part, np.asarray(source.images[chosen]), out=part)
                    labels[row, source.labels[chosen]] = 1
    return images, labels


def _scenes(seed: int, quick: bool) -> Dataset:
    """Animals in three of the four quarters of a scene, each there with a chance of one half."""
    random, splits, first = np.random.default_rng(seed), [], 0
    for count in QUICK if quick else SCENES:
        images = np.stack([_backdrop(random) for _ in range(count)])
        labels = (random.random((count, len(CLASSES))) < 0.5).astype(np.uint8)
        for row in range(count):
            quarters = random.permutation(4)
            for place in np.flatnonzero(labels[row]).tolist():
                _paste(images[row], CLASSES[place], seed, first + row, int(quarters[place]), random)
        splits.append((images, labels))
        first += count
    return _dataset("scenes", CLASSES, splits)


def _backdrop(random: np.random.Generator) -> np.ndarray:
    cells = random.integers(40, 216, (6, 6, 3), dtype=np.uint8)
    return cv2.resize(cells, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)


def _paste(scene: np.ndarray, kind: str, seed: int, index: int, quarter: int, random: np.random.Generator) -> None:
    head = render(kind, seed=seed, index=index, size=_HEAD)
    mask = head_mask(kind, seed=seed, index=index, size=_HEAD)
    room = _SIDE // 2 - _HEAD + 1
    top, left = quarter // 2 * _SIDE // 2 + random.integers(room), quarter % 2 * _SIDE // 2 + random.integers(room)
    part = scene[top : top + _HEAD, left : left + _HEAD]
    part[mask] = head[mask]


def _dataset(name: str, classes: tuple[str, ...], splits: list[tuple[np.ndarray, np.ndarray]]) -> Dataset:
    parts = [
        Split(tuple(f"{what}/{row}" for row in range(len(images))), labels, images)
        for what, (images, labels) in zip(("train", "validation", "test"), splits, strict=True)
    ]
    return Dataset(name, tuple(classes), parts[0], parts[1], test=parts[2])


_DATA: dict[str, Callable[[int, bool], Dataset]] = {
    "mnist": _grids("mnist"),
    "fashion-mnist": _grids("fashion-mnist"),
    "scenes": _scenes,
}


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=3)
    made.add_argument("data", nargs="*", choices=[*_DATA, []], metavar="DATA", help=f"of {', '.join(_DATA)}")
    options = made.parse_args()
    options.rounds = 1 if options.quick else options.rounds
    return options


if __name__ == "__main__":
    main()
