"""The accuracy of projects trained in float32 and in bfloat16, on the same validation images.

    GREYCARD_DATA=… python benchmarks/precisions.py [PROJECT…] [--rounds 3] [--epochs 5]

Both sides have the same seed, so the same initial weights and batches. Each round has its own seed. With `--backbone
NAME`, a probe on the features of that network, for the training folders of these data sets; half of the images are for
validation, and each seed has its own halves. Writes `results/speed/precisions.json`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import greycard
from greycard.backend.precision import VARIABLE
from greycard.core.paths import data_dir
from greycard.core.processor import instruction_set
from greycard.evaluation.paired import paired
from result import ResultFile, parser
from rules import right

_PROJECTS = ("mnist-cnn", "fashion-mnist-cnn", "horses-humans-cnn", "cats-dogs-3k-cnn")
_FOLDERS = ("cats_and_dogs_filtered", "horse-or-human")
_PRECISIONS = ("float32", "bfloat16")


def main() -> None:
    options = _options()
    results = ResultFile("precisions", ("project", "seed", "epochs", "instructions"), keep=not options.quick)
    for project in options.projects or (_FOLDERS if options.backbone else _PROJECTS):
        for seed in range(options.rounds):
            results.put(_row(project, seed, options))


def _row(project: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    each, accuracy = [], {}
    for precision in _PRECISIONS:
        with tempfile.TemporaryDirectory() as runs, _requested(precision):
            run = _trained(project, seed, options, Path(runs))
            accuracy[precision] = run.summary.val_accuracy
            each.append(right(run))
    compared = paired(*each)
    return {
        "project": f"{options.backbone}, {project}" if options.backbone else project,
        "instructions": instruction_set(),
        "epochs": 1 if options.backbone else options.epochs,
        "seed": seed,
        "val_images": compared.images,
        "val_accuracy": accuracy,
        "only_right": dict(zip(_PRECISIONS, (compared.only_first, compared.only_second), strict=True)),
        "p": compared.p,
    }


def _trained(project: str, seed: int, options: argparse.Namespace, runs: Path) -> greycard.Run:
    if options.backbone:
        halves = greycard.load_folder(data_dir() / project / "train", val_fraction=0.5, split_seed=seed)
        return greycard.train(halves, backbone=options.backbone, out=runs, quiet=True)
    few = {"train_limit": 40, "val_limit": 20} if options.quick else {}
    changes = {"seed": seed, "epochs": options.epochs, **few}
    return greycard.train(project, data_dir=data_dir(), out=runs, quiet=True, **changes)


@contextmanager
def _requested(precision: str) -> Iterator[None]:
    """Inside this block `precision=auto` means this precision, of the features, too."""
    os.environ[VARIABLE] = precision
    try:
        yield
    finally:
        del os.environ[VARIABLE]


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=3)
    made.add_argument("projects", nargs="*", metavar="PROJECT", help="the projects with convolutions by default")
    made.add_argument("--backbone", metavar="NAME", help="a probe on this network's features, for folders of data")
    made.add_argument("--epochs", type=int, default=5)
    options = made.parse_args()
    if options.quick:
        options.projects, options.rounds, options.epochs = ["mnist-cnn"], 1, 1
    return options


if __name__ == "__main__":
    main()
