"""What the dataset doctor finds: changed copies of real photographs, the real datasets, and how long it takes.

    GREYCARD_DATA=… python benchmarks/doctor.py [--images 25000]

Copies: every tenth photograph of the filtered Cats vs Dogs set is added again, changed in one way, to the other 2,999;
recall is of those, and a pair of two different photographs is false, but for the one pair that the set itself has.
Time: as many different images of 224 px as asked for, cut from those photographs. Writes
`results/doctor/{copies,datasets,time}.json`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from greycard.audit.check import Report, check
from greycard.audit.duplicates import find_pairs
from greycard.audit.thumbnails import load_thumbnails
from greycard.datasets.dataset import Dataset, Split
from greycard.datasets.folders import load_folder
from greycard.datasets.load import is_here, load_dataset
from large import filtered_set
from result import HERE, ResultFile, parser

FOLDER = HERE / "results" / "doctor"
DATASETS = ("fashion-mnist", "mnist", "horse-or-human", "cats-and-dogs-filtered")
KNOWN = frozenset({"train/dogs/dog.180.jpg", "train/dogs/dog.74.jpg"})
"""The one pair that the filtered set has: looked at, the same photograph."""

Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def _cropped(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """5 % of the width and of the height less, at a random place."""
    width, height = image.size
    left, top = (int(random.integers(0, side // 20 + 1)) for side in (width, height))
    return image.crop((left, top, left + width - width // 20, top + height - height // 20))


CHANGES: dict[str, tuple[Change, int]] = {
    "resized to two thirds": (lambda image, _: image.resize((image.width * 2 // 3, image.height * 2 // 3)), 85),
    "encoded again, quality 40": (lambda image, _: image, 40),
    "cropped by 5 %": (_cropped, 90),
    "30 % brighter": (lambda image, _: ImageEnhance.Brightness(image).enhance(1.3), 90),
    "30 % darker": (lambda image, _: ImageEnhance.Brightness(image).enhance(0.7), 90),
    "mirrored": (lambda image, _: ImageOps.mirror(image), 90),
}


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["GREYCARD_CACHE"] = f"{scratch}/cache"
        copies = ResultFile("copies", ("change",), keep=not options.quick, folder=FOLDER)
        for change in CHANGES:
            copies.put(_copies(change, Path(scratch, change.replace(" ", "-")), options.photographs))
        datasets = ResultFile("datasets", ("dataset",), keep=not options.quick, folder=FOLDER)
        for name in DATASETS[-1:] if options.quick else DATASETS:
            if is_here(name):
                datasets.put(_dataset(name))
        time_taken = ResultFile("time", ("images",), keep=not options.quick, folder=FOLDER)
        time_taken.put(_time(options.images, Path(scratch)))


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=1)
    made.add_argument("--images", type=int, default=25_000)
    options = made.parse_args()
    options.photographs = None
    if options.quick:
        options.images, options.photographs = 200, 200
    return options


def _copies(change: str, folder: Path, most: int | None) -> dict[str, Any]:
    """Recall and false pairs for one change."""
    whole = load_folder(filtered_set())
    dataset = whole.limited(most, most, seed=0) if most else whole
    originals = dict(zip(dataset.train.ids, dataset.train.images, strict=True))
    chosen = list(originals)[::10]
    copies = {id: _copy(originals[id], folder / f"{number}.jpg", change, number) for number, id in enumerate(chosen)}
    spoiled = _with(dataset, {f"copy/{id}": path for id, path in copies.items()})
    thumbnails = load_thumbnails(spoiled)
    pairs = [
        frozenset((thumbnails.ids[pair.first], thumbnails.ids[pair.second])) for pair in find_pairs(thumbnails, spoiled)
    ]
    wanted = {frozenset((id, f"copy/{id}")) for id in chosen}
    false = [pair for pair in pairs if pair not in wanted and not _one_photograph(pair)]
    found = len(wanted & set(pairs))
    return {
        "change": change,
        "photographs": len(dataset.train) + len(dataset.validation),
        "copies": len(wanted),
        "found": found,
        "recall": found / len(wanted),
        "false_pairs": len(false),
        "precision": found / (found + len(false)) if found else None,
    }


def _one_photograph(pair: frozenset[str]) -> bool:
    """A copy of the photograph that the set has twice is one of its twin, too."""
    return {id.removeprefix("copy/") for id in pair} <= KNOWN


def _copy(path: Path, target: Path, change: str, number: int) -> Path:
    how, quality = CHANGES[change]
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(path) as image:
        how(image.convert("RGB"), np.random.default_rng(number)).save(target, quality=quality)
    return target


def _with(dataset: Dataset, copies: dict[str, Path]) -> Dataset:
    """The dataset, with the copies in validation."""
    val = dataset.validation
    labels = np.concatenate([val.labels, np.zeros(len(copies), np.int64)])
    more = Split((*val.ids, *copies), labels, (*val.images, *copies.values()))
    return Dataset(dataset.name, dataset.classes, dataset.train, more)


def _dataset(name: str) -> dict[str, Any]:
    dataset = load_dataset(name)
    begun = time.perf_counter()
    report, _ = check(dataset)
    return {"dataset": name, "seconds": time.perf_counter() - begun} | _figures(report)


def _figures(report: Report) -> dict[str, Any]:
    found = {finding.kind: finding for finding in report.findings}
    leak, inside, shift = (found.get(kind) for kind in ("leakage", "duplicates", "shift"))
    return {
        "images": report.train_images + report.val_images,
        "pairs_across": leak.figures["pairs"] if leak else 0,
        "pairs_inside": inside.figures["pairs"] if inside else 0,
        "shift_auc": shift.figures["auc"] if shift else None,
        "kinds": list(found),
        "notes": list(report.notes),
    }


def _time(count: int, scratch: Path) -> dict[str, Any]:
    """The whole check on different images, first with nothing decoded, then again."""
    folder = _many(count, scratch / "many")
    seconds = []
    for _ in range(2):
        begun = time.perf_counter()
        check(load_folder(folder))
        seconds.append(time.perf_counter() - begun)
    return {"images": count, "seconds": seconds[0], "seconds_again": seconds[1]}


def _many(count: int, folder: Path) -> Path:
    """Different parts of the photographs, a third of their width and height, in two classes."""
    paths = sorted(filtered_set().glob("train/*/*.jpg"))
    random = np.random.default_rng(0)
    for number in range(count):
        path = paths[number % len(paths)]
        target = folder / path.parent.name / f"{number}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            width, height = image.width // 3, image.height // 3
            left = int(random.integers(0, image.width - width))
            top = int(random.integers(0, image.height - height))
            part = image.convert("RGB").crop((left, top, left + width, top + height))
            part.resize((224, 224)).save(target, quality=85)
    return folder


if __name__ == "__main__":
    main()
