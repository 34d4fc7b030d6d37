"""The records: each recipe trained from the first file to the saved model, in a fresh process with an empty cache.

    GREYCARD_DATA=… GREYCARD_WEIGHTS=… python benchmarks/records.py [RECORD…] [--rounds 3]

Each round is another seed. The seconds are those of the whole process. The accuracy is on the dataset's test images;
where it has none, on its validation images, if the recipe makes no choice on them. Writes `results/records.json`, and
from it `src/greycard/projects/records.json`, which `greycard records` lists.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

import child
from greycard.evaluation.intervals import accuracy_interval
from greycard.projects.record import Measured, Record
from greycard.projects.records import MEASURED, candidates
from greycard.runs.record import RunRecord, find_runs
from result import HERE, ResultFile, chosen, parser, write

RESULTS = HERE / "results"
PACKAGED = HERE.parent / "src" / "greycard" / "projects" / MEASURED


def main() -> None:
    options = _options()
    results = ResultFile("records", ("record", "seed"), keep=not options.quick, folder=RESULTS)
    for one in chosen("record", options.records, candidates(), lambda each: each.recipe.data.dataset):
        for seed in range(options.rounds):
            results.put(measure(one, seed, quick=options.quick))
    if not options.quick:
        write(PACKAGED, packaged(results.rows()))


def measure(one: Record, seed: int, *, quick: bool = False) -> dict[str, Any]:
    """Train a record once, and return its row of the result file."""
    few = ["--epochs", "1", "--set", "train_limit=100", "--set", "val_limit=50"] if quick else []
    with tempfile.TemporaryDirectory() as scratch:
        words = [sys.executable, "-m", "greycard", "run", one.name, "--seed", str(seed), "--quiet"]
        finished = child.run([*words, "--out", f"{scratch}/runs", *few], GREYCARD_CACHE=f"{scratch}/cache")
        run = RunRecord(find_runs(f"{scratch}/runs")[0])
        return {
            "record": one.name,
            "digest": one.recipe.digest,
            "seed": seed,
            "minutes": one.minutes,
            "seconds": finished.seconds,
            "cpu_seconds": finished.cpu_seconds,
            **figure(run),
        }


def figure(run: RunRecord) -> dict[str, Any]:
    """The accuracy on images that no choice has seen.

    Raises:
        SystemExit: the run has no such images: it kept its best epoch on validation and has no test images.
    """
    summary = run.summary
    if summary.test_accuracy is not None:
        return {"measured_on": "test", "images": summary.test_images, "accuracy": summary.test_accuracy}
    if summary.kept_epoch is not None:
        raise SystemExit(f"{run.recipe.name} chose its epoch on validation and has no test images: it is no record")
    return {"measured_on": "validation", "images": summary.val_images, "accuracy": summary.val_accuracy}


def packaged(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The content of `records.json` in the package: one entry for each record, over its seeds."""
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_name.setdefault(row["record"], []).append(row)
    return {"records": [asdict(_over_seeds(name, of)) for name, of in sorted(by_name.items())]}


def _over_seeds(name: str, rows: Sequence[Mapping[str, Any]]) -> Measured:
    """The rows of one record; those of an earlier recipe are left out."""
    latest = max(rows, key=lambda row: row["measured"]["date"])
    same = [row for row in rows if row["digest"] == latest["digest"]]
    accuracies = [row["accuracy"] for row in same]
    low, high = accuracy_interval(mean(accuracies), latest["images"])
    return Measured(
        name=name,
        digest=latest["digest"],
        seeds=len(same),
        accuracy=mean(accuracies),
        lowest=min(accuracies),
        highest=max(accuracies),
        low=low,
        high=high,
        images=latest["images"],
        seconds=max(row["seconds"] for row in same),
        machine=latest["measured"]["environment"]["machine"],
        date=latest["measured"]["date"],
    )


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=3)
    made.add_argument("records", nargs="*", metavar="RECORD", help="all of them by default")
    options = made.parse_args()
    if options.quick:
        options.rounds = 1
    return options


if __name__ == "__main__":
    main()
