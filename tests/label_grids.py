"""Images with several labels whose truth is known: 2×2 grids of real digits (of scikit-learn), some cells empty."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

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
