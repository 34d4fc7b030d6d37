"""Plain Keras against Greycard on the table's rows, in turn, each training in a fresh process.

    GREYCARD_DATA=… GREYCARD_WEIGHTS=… python benchmarks/rows.py [ROW…] [--epochs 3] [--rounds 1] [--seed 0]

By default the eight rows on data at hand that train every layer, three epochs each; the first is the warm-up and is
left out of an epoch's seconds. With `--whole`, all published epochs and the total seconds: the two transfer rows,
unless rows are named. The two 25K rows are measured when named, on a folder that large.py builds; `--share 0.1` builds
a tenth of it, for both sides. Writes `results/speed/rows.json` after each row, and keeps the rows not measured now and
those of processors with other instruction sets.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import large
from compare import summarise
from greycard.core.paths import data_dir
from greycard.core.processor import instruction_set
from greycard.datasets.load import is_here
from greycard.projects import find_project, projects
from greycard.recipe import Recipe
from result import ResultFile, parser
from sides import SIDES, Task, Trained

PUBLISHED = tuple(project.recipe for project in projects()[:12])


def main() -> None:
    options = _options()
    results = ResultFile("rows", ("project", "whole", "instructions"), keep=not options.quick)
    for recipe, data in _chosen(options):
        epochs = options.epochs or (recipe.training.epochs if options.whole else 3)
        row = {"project": recipe.name, "whole": options.whole, "epochs": epochs, "data": None}
        row["instructions"] = instruction_set()
        if recipe.data.dataset == large.DATASET:
            row["data"] = large.note(options.share)
        results.put(row | _measure(recipe, data, epochs, options))


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=1)
    made.add_argument("rows", nargs="*", metavar="ROW", help="projects of the published table")
    made.add_argument("--epochs", type=int, help="3, or with --whole all published ones")
    made.add_argument("--seed", type=int, default=0, help="of the first round; each next round takes the next")
    made.add_argument("--whole", action="store_true", help="whole runs: their total seconds are what counts")
    made.add_argument("--share", type=float, default=1.0, help="of the 25K rows' images, for both sides")
    options = made.parse_args()
    if options.quick:
        options.epochs, options.rounds, options.share = 2, 1, min(options.share, 0.01)
    return options


def _chosen(options: argparse.Namespace) -> Iterator[tuple[Recipe, Path]]:
    """The rows to measure with their data directory; those without data are named on stderr."""
    recipes = [find_project(name).recipe for name in options.rows] or _by_default(options.whole)
    with tempfile.TemporaryDirectory() as scratch:
        for recipe in recipes:
            root = data_dir()
            if recipe.data.dataset == large.DATASET:
                root = Path(scratch)
                large.build(root, options.share)
            if is_here(recipe.data.dataset, root):
                yield recipe, root
            else:
                print(f"note: {recipe.name} is left out: its data is not in GREYCARD_DATA", file=sys.stderr)


def _by_default(whole: bool) -> list[Recipe]:
    return [recipe for recipe in PUBLISHED if bool(recipe.pretrained) is whole and recipe.data.dataset != large.DATASET]


def _measure(recipe: Recipe, data: Path, epochs: int, options: argparse.Namespace) -> dict[str, Any]:
    """Both sides in turn; which one goes first alternates, so that neither always has the cooler machine."""
    rounds: dict[str, list[Trained]] = {name: [] for name in SIDES}
    for number in range(options.rounds):
        task = Task(recipe, data, epochs, options.seed + number, steps=4 if options.quick else None)
        for name in list(SIDES)[:: -1 if number % 2 else 1]:
            trained = SIDES[name](task)
            rounds[name].append(trained)
            print(f"{recipe.name}: {name} in {trained.total_seconds:.1f} s", file=sys.stderr, flush=True)
    return summarise(**rounds)


if __name__ == "__main__":
    main()
