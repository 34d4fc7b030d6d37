"""Compare the table's runs on one dataset with each other, on the validation images that they share.

    python benchmarks/differences.py [RUNS]

takes the runs of seed 0 that measure.py kept in a folder (`--out`; by default `runs`), compares them as `greycard
compare` does, and writes `results/differences/table.json`, how many images two of them differ on and not which.
"""

from __future__ import annotations

import sys
from typing import Any

from greycard.projects import projects
from greycard.runs.compare import compare_runs
from greycard.runs.record import RunRecord, find_runs
from result import HERE, ResultFile


def main() -> None:
    results = ResultFile("table", ("dataset",), folder=HERE / "results" / "differences")
    for dataset, runs in _by_dataset(sys.argv[1] if len(sys.argv) > 1 else "runs").items():
        if len(runs) > 1:
            results.put({"dataset": dataset, **_compared(runs)})


def _by_dataset(folder: str) -> dict[str, list[RunRecord]]:
    """The runs of seed 0, in the table's order."""
    order = [project.name for project in projects()]
    runs = [run for run in map(RunRecord, find_runs(folder)) if run.recipe.training.seed == 0]
    gathered: dict[str, list[RunRecord]] = {}
    for run in sorted(runs, key=lambda run: order.index(run.recipe.name)):
        gathered.setdefault(run.recipe.data.dataset, []).append(run)
    return gathered


def _compared(runs: list[RunRecord]) -> dict[str, Any]:
    found = compare_runs(runs).to_json()
    for difference in found["differences"]:
        difference |= {side: len(difference[side]) for side in ("only_first", "only_second")}
    return found


if __name__ == "__main__":
    main()
