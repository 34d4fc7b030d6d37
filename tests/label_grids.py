"""Images with several labels whose truth is known: 2×2 grids of real digits (of scikit-learn), some cells empty."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import greycard

NAMES = ("zero", "one", "two", "three", "four")


@dataclass(frozen=True)
class Grids:
    """The table, and which digits each image has.

    Attributes:
        table: the label file.
        paths: of the images, as in the table.
        labels: uint8 (n, digits).
    """

    table: Path
    paths: tuple[str, ...]
    labels: np.ndarray


def make_grids(folder: Path, count: int = 240, *, digits: int = 3, seed: int = 0, columns: bool = False) -> Grids:
    """Write images of 20×20 pixels and a label file, with lists or with columns of 0 and 1."""
    from sklearn.datasets import load_digits  # slow to import: only if it is needed

    random = np.random.default_rng(seed)
    data = load_digits()
    by_digit = [data.images[data.target == digit] for digit in range(digits)]
    (folder / "grids").mkdir(parents=True, exist_ok=True)
    paths, rows = [], np.zeros((count, digits), np.uint8)
    for number in range(count):
        canvas = random.uniform(0, 1, (20, 20))  # no two images are equal, also those without a digit
        for top, left in ((1, 1), (1, 11), (11, 1), (11, 11)):
            digit = int(random.integers(-digits, digits))  # half of the cells are empty
            if digit >= 0:
                canvas[top : top + 8, left : left + 8] = random.choice(by_digit[digit])
                rows[number, digit] = 1
        paths.append(f"grids/{number:04}.png")
        Image.fromarray((canvas * 15).astype(np.uint8)).save(folder / paths[-1])
    table = folder / "labels.csv"
    names = NAMES[:digits]
    write_labels(table, paths, rows, names, columns=columns)
    return Grids(table, tuple(paths), rows)


def write_labels(
    table: Path, paths: Sequence[str], labels: np.ndarray, names: Sequence[str], *, columns: bool = False
) -> None:
    """Write a label file with one list for each image, or one column of 0 and 1 for each label."""
    with table.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["path", *names] if columns else ["path", "labels"])
        for path, row in zip(paths, labels.tolist(), strict=True):
            listed = ";".join(name for name, one in zip(names, row, strict=True) if one) or "none"
            writer.writerow([path, *row] if columns else [path, listed])


def small_recipe(**changes: Any) -> greycard.Recipe:
    """A small network that learns the grids of three digits in a few seconds."""
    settings = {"image_size": (20, 20), "channels": 1, "conv": (16,), "dense": (48,)}
    return greycard.Recipe.make("grids", "grids", **{"epochs": 25, "learning_rate": 0.003} | settings | changes)


@pytest.fixture(scope="session")
def grids(tmp_path_factory: pytest.TempPathFactory) -> Grids:
    """240 images of three labels, in three splits."""
    found = make_grids(tmp_path_factory.mktemp("grids"))
    lines = found.table.read_text().splitlines()
    sides = ["test" if row % 6 == 5 else "validation" if row % 3 == 1 else "train" for row in range(len(found.paths))]
    rows = [f"{line},{side}" for line, side in zip(lines, ["split", *sides], strict=True)]
    found.table.write_text("\n".join(rows) + "\n")
    return found


@pytest.fixture(scope="session")
def several_labels_run(grids: Grids, tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    """Calibrated with a temperature that moves every threshold."""
    found = greycard.train(small_recipe(), str(grids.table), out=tmp_path_factory.mktemp("runs"), quiet=True)
    summary = json.loads((found.path / "summary.json").read_text())
    summary["calibration"] = {"error": 0.2, "temperature": 1.7, "error_after_scaling": 0.1}
    (found.path / "summary.json").write_text(json.dumps(summary))
    return greycard.open_run(found.path)
