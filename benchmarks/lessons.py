"""Measure what lessons 6 and 7 claim, with three seeds and in both precisions.

    python benchmarks/lessons.py [--seed 0 1 2] [--precision float32 bfloat16]

runs each lesson's own code, and writes `results/lessons/outcomes.json`: both accuracies on the lesson's validation
images, their difference with its 95 % interval, and the difference early in training.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from typing import Any

import greycard
from result import HERE, ResultFile

sys.path.insert(0, str(HERE.parent / "docs"))
from lesson_runs import LESSONS, run_lesson

CLAIMS = {"6-augmentation": ("augmented", "plain"), "7-transfer": ("transfer", "scratch")}
"""Of each lesson, the run that is better and the one that is not, by their names in its code."""

EARLY = 20
"""Epochs after which the accuracies are compared too; lesson 6 tells its reader to try them."""


def main() -> None:
    options = _options()
    results = ResultFile("outcomes", ("lesson", "seed", "precision"), folder=HERE / "results" / "lessons")
    for lesson in CLAIMS:
        for seed in options.seed:
            for precision in options.precision:
                results.put(
                    {"lesson": lesson, "seed": seed, "precision": precision, **outcome(lesson, seed, precision)}
                )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--precision", nargs="+", default=["float32", "bfloat16"], choices=["float32", "bfloat16"])
    return parser.parse_args()


def outcome(lesson: str, seed: int, precision: str) -> dict[str, Any]:
    """Run a lesson in a folder of its own and compare its two runs, as it does itself."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        names = run_lesson(LESSONS / f"{lesson}.md", seed=seed, precision=precision)
        better, worse = (names[name] for name in CLAIMS[lesson])
        found = greycard.compare(better, worse).differences[0]
        return {
            "val_images": better.summary.val_images,
            "better": {"run": CLAIMS[lesson][0], "val_accuracy": better.summary.val_accuracy},
            "worse": {"run": CLAIMS[lesson][1], "val_accuracy": worse.summary.val_accuracy},
            "difference": found.difference,
            "low": found.low,
            "high": found.high,
            "is_real": found.is_real,
            "early_difference": _early(better) - _early(worse),
        }


def _early(run: greycard.Run) -> float:
    """Validation accuracy after `EARLY` epochs, or at the end of a run that is shorter."""
    return run.history[min(EARLY, len(run.history)) - 1].val_accuracy or 0.0


if __name__ == "__main__":
    main()
