"""What `greycard train` chooses, against the published transfer rows in plain Keras.

    GREYCARD_DATA=… GREYCARD_WEIGHTS=… python benchmarks/recommended.py [--epochs 4]

Plain Keras trains the row as published (InceptionV3, flattened features, augmentation redrawn) and is timed
to the end of the first epoch that reaches the published validation accuracy. `greycard train` on the same folder
chooses for itself (pooled features of a small network) and is timed to its end, its cache empty. Writes
`results/speed/recommended.json`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import child
from greycard.core.paths import data_dir
from greycard.datasets.catalog import entry
from greycard.projects import find_project
from greycard.runs.record import RunRecord, find_runs
from result import ResultFile, parser
from sides import Task, Trained, plain

ROWS = ("cats-dogs-3k-transfer", "horses-humans-transfer")


def main() -> None:
    options = _options()
    results = ResultFile("recommended", ("project", "seed"), keep=not options.quick)
    for seed in range(options.rounds):
        for name in ROWS[-1:] if options.quick else ROWS:
            results.put(_row(name, seed, options))


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=1)
    made.add_argument("--epochs", type=int, default=4, help="that plain Keras gets to reach the published accuracy")
    options = made.parse_args()
    options.steps = 4 if options.quick else None
    return options


def _row(name: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    project = find_project(name)
    assert project.published is not None
    wanted = project.published.val_accuracy
    task = Task(project.recipe, data_dir(), options.epochs, seed, steps=options.steps)
    seconds, epoch, accuracy = _until(plain(task), wanted)
    ours = _greycard(data_dir() / entry(project.recipe.data.dataset).folder, seed, quick=options.quick)
    return {
        "project": name,
        "seed": seed,
        "published_val_accuracy": wanted,
        "plain": {"seconds": seconds, "epoch": epoch, "val_accuracy": accuracy},
        "greycard": ours,
        "ratio": seconds / ours["seconds"],
    }


def _until(trained: Trained, wanted: float | None) -> tuple[float, int | None, float]:
    """Seconds from the process's start to the first epoch that is good enough, which it is, and its accuracy.

    All seconds, and no epoch, where none is.
    """
    starting = trained.total_seconds - sum(epoch.seconds for epoch in trained.history)
    gone = starting
    for epoch in trained.history:
        accuracy = epoch.val_accuracy or 0.0
        gone += epoch.seconds
        if wanted is not None and accuracy >= wanted:
            return gone, epoch.epoch, accuracy
    return gone, None, max(epoch.val_accuracy or 0.0 for epoch in trained.history)


def _greycard(folder: Path, seed: int, *, quick: bool) -> dict[str, Any]:
    limits = ["--set", "train_limit=40", "--set", "val_limit=20", "--epochs", "1"] if quick else []
    with tempfile.TemporaryDirectory() as scratch:
        words = [sys.executable, "-m", "greycard", "train", str(folder), "--seed", str(seed), "--quiet"]
        finished = child.run([*words, "--out", f"{scratch}/runs", *limits], GREYCARD_CACHE=f"{scratch}/cache")
        record = RunRecord(find_runs(f"{scratch}/runs")[0])
        return {
            "seconds": finished.seconds,
            "architecture": record.recipe.architecture,
            "image_size": record.recipe.data.image_size,
            "epochs": record.summary.epochs,
            "val_accuracy": record.summary.val_accuracy,
        }


if __name__ == "__main__":
    main()
