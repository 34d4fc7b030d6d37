"""Measure what lessons 6, 7 and 10 claim, with three seeds and in both precisions.

    python benchmarks/lessons.py [LESSON…] [--seed 0 1 2] [--precision float32 bfloat16]

runs each lesson's own code. It writes `results/lessons/outcomes.json`: both accuracies on the lesson's validation
images, their difference with its 95 % interval, and the difference early in training. Of lesson 10 it writes
`results/lessons/cures.json`: each cure of overfitting, compared with the run that has none.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from itertools import product
from typing import Any

import greycard
from result import HERE, ResultFile

sys.path.insert(0, str(HERE.parent / "docs"))
from lesson_runs import LESSONS, run_lesson

CLAIMS = {"6-augmentation": ("augmented", "plain"), "7-transfer": ("transfer", "scratch")}
"""Of each lesson, the run that is better and the one that is not, by their names in its code."""

CURES = "10-overfitting"

EARLY = 20
"""Epochs after which the accuracies are compared too; lesson 6 tells its reader to try them."""


def main() -> None:
    options = _options()
    folder = HERE / "results" / "lessons"
    outcomes = ResultFile("outcomes", ("lesson", "seed", "precision"), folder=folder)
    cured = ResultFile("cures", ("cure", "seed", "precision"), folder=folder)
    for lesson, seed, precision in product(options.lessons, options.seed, options.precision):
        setting = {"seed": seed, "precision": precision}
        if lesson == CURES:
            for row in cures(seed, precision):
                cured.put({**setting, **row})
        else:
            outcomes.put({"lesson": lesson, **setting, **outcome(lesson, seed, precision)})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    known = [*CLAIMS, CURES]
    parser.add_argument("lessons", nargs="*", default=known, metavar="LESSON", help=f"of {', '.join(known)}")
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


def cures(seed: int, precision: str) -> list[dict[str, Any]]:
    """Run lesson 10 in a folder of its own: a row for each cure, and the first for none."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        by_heart, *cured = run_lesson(LESSONS / f"{CURES}.md", seed=seed, precision=precision)["runs"]
        found = greycard.compare([by_heart, *cured]).differences[: len(cured)]
        gains = [{"gain": -one.difference, "low": -one.high, "high": -one.low, "is_real": one.is_real} for one in found]
        return [_cure(by_heart, {}), *map(_cure, cured, gains)]


def _cure(run: greycard.Run, compared: dict[str, Any]) -> dict[str, Any]:
    summary = run.summary
    return {
        "cure": run.recipe.name,
        "train_images": summary.train_images,
        "val_images": summary.val_images,
        "parameters": summary.parameters,
        "epochs": summary.epochs,
        "train_accuracy": summary.train_accuracy_after,
        "val_accuracy": summary.val_accuracy,
        **compared,
    }


def _early(run: greycard.Run) -> float:
    """Validation accuracy after `EARLY` epochs, or at the end of a run that is shorter."""
    return run.history[min(EARLY, len(run.history)) - 1].val_accuracy or 0.0


if __name__ == "__main__":
    main()
