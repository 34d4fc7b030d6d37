"""How well a number is learned from an image, and whether its prediction intervals keep their promise.

    python benchmarks/regression.py [--rounds 3] [--part glasses|turned|coverage]

Two sets with a known truth: `glasses`, rendered glasses and how full they are in percent, and `turned`, real
Fashion-MNIST images that are turned by a known angle in degrees. Each is learned by the recipe that `greycard train`
chooses without weights and by a probe of the first pretrained network on this machine, each in as many rounds with
other seeds. Every figure is measured on images that no training, choice or calibration has seen. With --part coverage,
a small network is trained on twenty splits of `glasses`, and the share of the test images inside the 90 % intervals is
counted: once it keeps its last epoch, and once its best one, which validation images choose. Writes
`results/regression.json`.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

import greycard
from greycard.datasets.load import is_here, load_dataset
from greycard.evaluation.numbers import number_scores
from greycard.models.preferred import available
from greycard.synthetic.glasses import render_glass
from result import HERE, ResultFile, parser

_MOST_DEGREES = 45
_EPOCHS = 40
_SPLITS = 20
_SMALL: dict[str, Any] = {"weights": "none", "conv": (16, 32), "image_size": 32, "epochs": 10}
_KEPT = ("last", "best")
"""The epoch whose weights are kept: the intervals must keep their promise with and without a choice."""


@dataclass(frozen=True)
class Case:
    """A set of images with known numbers.

    Attributes:
        name: of the set.
        unit: of the numbers.
        labels: the label file to train with.
        test: other images, uint8 (n, height, width, 3).
        truth: their numbers, float64 (n,).
    """

    name: str
    unit: str
    labels: Path
    test: list[np.ndarray]
    truth: np.ndarray


def main() -> None:
    options = parser(__doc__, rounds=3)
    options.add_argument("--part", choices=("glasses", "turned", "coverage"), help="only this part")
    chosen = options.parse_args()
    results = ResultFile("regression", ("set", "recipe"), keep=not chosen.quick, folder=HERE / "results")
    seeds, count = (range(1), 100) if chosen.quick else (range(chosen.rounds), 500)
    with tempfile.TemporaryDirectory() as scratch:
        for case in _cases(Path(scratch), count):
            if chosen.part not in (None, case.name):
                continue
            for recipe, changes in _recipes(quick=chosen.quick).items():
                runs = [_trained(case, Path(scratch) / "runs", seed=seed, **changes) for seed in seeds]
                results.put({"set": case.name, "recipe": recipe, "unit": case.unit, **_figures(case, runs)})
        if chosen.part in (None, "coverage"):
            case = next(_cases(Path(scratch) / "coverage", count))
            splits = range(2 if chosen.quick else _SPLITS)
            for kept in _KEPT:
                out = Path(scratch) / kept
                runs = [_trained(case, out, split_seed=seed, keep=kept, **_SMALL) for seed in splits]
                row = {"set": case.name, "recipe": f"splits, {kept} epoch", "unit": case.unit, "kept": kept}
                results.put({**row, **_coverage(case, runs)})


def _recipes(*, quick: bool) -> dict[str, dict[str, Any]]:
    """What is trained, by its name."""
    found: dict[str, dict[str, Any]] = {"from scratch": {"weights": "none", "epochs": 2 if quick else _EPOCHS}}
    return found | ({"probe": {"backbone": available()[0].name}} if available() else {})


def _trained(case: Case, out: Path, *, weights: str | None = None, **changes: Any) -> greycard.Run:
    return greycard.train(case.labels, weights=weights, out=out, quiet=True, task="regression", **changes)


def _cases(folder: Path, count: int) -> Iterator[Case]:
    """The sets, each with `count` images to train and validate on and as many to test on."""
    glasses = [render_glass(seed=7, index=index) for index in range(2 * count)]
    yield _case(folder, "glasses", "percent", glasses, count)
    if is_here("fashion-mnist"):
        images = load_dataset("fashion-mnist").train.images
        assert isinstance(images, np.ndarray)
        draws = np.random.default_rng(7)
        angles = draws.uniform(-_MOST_DEGREES, _MOST_DEGREES, 4 * count)
        turned = [(_turned(image, angle), angle) for image, angle in zip(images, angles, strict=False)]
        yield _case(folder, "turned", "degrees", turned, 2 * count)


def _turned(image: np.ndarray, angle: float) -> np.ndarray:
    """A grey image (28, 28) turned around its middle on a larger black ground, uint8 (40, 40, 3)."""
    large = np.pad(image, 6)
    middle = (large.shape[1] - 1) / 2, (large.shape[0] - 1) / 2
    turn = cv2.getRotationMatrix2D(middle, angle, 1.0)
    return np.repeat(cv2.warpAffine(large, turn, large.shape[::-1], flags=cv2.INTER_LINEAR)[..., None], 3, axis=2)


def _case(folder: Path, name: str, unit: str, images: list[tuple[np.ndarray, float]], count: int) -> Case:
    """Write the first images and their label file; keep the others for the test."""
    place = folder / name
    place.mkdir(parents=True)
    for row, (pixels, _) in enumerate(images[:count]):
        Image.fromarray(pixels).save(place / f"{row:05d}.png")
    lines = [(f"{row:05d}.png", f"{number:.2f}") for row, (_, number) in enumerate(images[:count])]
    with (place / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("path", "number"), *lines])
    test = images[count:]
    return Case(name, unit, place / f"{name}.csv", [pixels for pixels, _ in test], np.array([each for _, each in test]))


def _figures(case: Case, runs: list[greycard.Run]) -> dict[str, Any]:
    """Of several seeds, on the test images; the intervals are those of the first seed."""
    found = [_on_test(case, run) for run in runs]
    first = found[0]["scores"]
    return {
        "architecture": runs[0].recipe.architecture,
        "train_images": runs[0].summary.train_images,
        "val_images": runs[0].summary.val_images,
        "test_images": len(case.truth),
        "mae": [each["scores"].mae for each in found],
        "mae_interval": list(first.mae_interval),
        "r2": [each["scores"].r2 for each in found],
        "r2_interval": list(first.r2_interval or ()),
        "guess_mae": first.guess_mae,
        "coverage": [each["coverage"] for each in found],
        "reach": [each["reach"] for each in found],
        "seconds": [run.summary.time.total_seconds for run in runs],
    }


def _coverage(case: Case, runs: list[greycard.Run]) -> dict[str, Any]:
    """The share of test images inside the intervals, for each split."""
    found = [_on_test(case, run) for run in runs]
    numbers = runs[0].summary.numbers
    assert numbers is not None
    assert numbers.reach is not None
    shares = [each["coverage"] for each in found]
    return {
        "promise": 0.9,
        "test_images": len(case.truth),
        "calibrated_on": numbers.reach.calibrated_on,
        "coverage": shares,
        "mean_coverage": float(np.mean(shares)),
        "mae": [each["scores"].mae for each in found],
        "reach": [each["reach"] for each in found],
    }


def _on_test(case: Case, run: greycard.Run) -> dict[str, Any]:
    answers = run.predict(case.test)
    predicted = np.array([each.value for each in answers])
    ends = np.array([each.interval for each in answers])
    inside = (ends[:, 0] <= case.truth) & (case.truth <= ends[:, 1])
    assert run.target is not None
    return {
        "scores": number_scores(case.truth, predicted, run.target),
        "coverage": float(inside.mean()),
        "reach": float((ends[0, 1] - ends[0, 0]) / 2),
    }


if __name__ == "__main__":
    main()
