"""The accuracy of projects trained in float32 and in bfloat16, on the same validation images.

    GREYCARD_DATA=… python benchmarks/precisions.py [PROJECT…] [--rounds 3] [--epochs 5]

Both sides have the same seed, so the same initial weights and batches. Each round has its own seed. Writes
`results/speed/precisions.json`.
"""

from __future__ import annotations

import argparse
import tempfile
from typing import Any

import greycard
from greycard.core.paths import data_dir
from greycard.core.processor import instruction_set
from greycard.evaluation.paired import paired
from result import ResultFile, parser
from rules import right

_PROJECTS = ("mnist-cnn", "fashion-mnist-cnn", "horses-humans-cnn", "cats-dogs-3k-cnn")
_PRECISIONS = ("float32", "bfloat16")


def main() -> None:
    options = _options()
    results = ResultFile("precisions", ("project", "seed", "epochs", "instructions"), keep=not options.quick)
    for project in options.projects or _PROJECTS:
        for seed in range(options.rounds):
            results.put(_row(project, seed, options))


def _row(project: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    few = {"train_limit": 40, "val_limit": 20} if options.quick else {}
    each, accuracy = [], {}
    for precision in _PRECISIONS:
        with tempfile.TemporaryDirectory() as runs:
            settings = {"precision": precision, "seed": seed, "epochs": options.epochs, **few}
            run = greycard.train(project, data_dir=data_dir(), out=runs, quiet=True, **settings)
            accuracy[precision] = run.summary.val_accuracy
            each.append(right(run))
    compared = paired(*each)
    return {
        "project": project,
        "instructions": instruction_set(),
        "epochs": options.epochs,
        "seed": seed,
        "val_images": compared.images,
        "val_accuracy": accuracy,
        "only_right": dict(zip(_PRECISIONS, (compared.only_first, compared.only_second), strict=True)),
        "p": compared.p,
    }


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=3)
    made.add_argument("projects", nargs="*", metavar="PROJECT", help="the projects with convolutions by default")
    made.add_argument("--epochs", type=int, default=5)
    options = made.parse_args()
    if options.quick:
        options.projects, options.rounds, options.epochs = ["mnist-cnn"], 1, 1
    return options


if __name__ == "__main__":
    main()
