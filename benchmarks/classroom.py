"""Time and memory of what a class trains: the short variants of the projects, and the code of the lessons.

    GREYCARD_DATA=… GREYCARD_WEIGHTS=… python benchmarks/classroom.py [NAME…] [--rounds 3]

Each is a fresh process with an empty cache, as the first run of a student. The seconds are those of the slowest round,
the memory is the largest. Writes `results/lessons/classroom.json`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import child
from greycard.datasets.open import is_present
from greycard.projects import find_project, short_projects
from greycard.runs.record import RunRecord, find_runs
from result import HERE, ResultFile, parser

sys.path.insert(0, str(HERE.parent / "docs"))
from lesson_runs import code, lessons

SMALL = ("house-prices", "digits-cnn")
"""Projects that are as short without a variant."""


@dataclass(frozen=True)
class Work:
    """What is measured.

    Attributes:
        kind: `project` or `lesson`.
        name: of the project, or of the lesson's file without its ending.
        measure: does it once in a folder, and returns its figures.
    """

    kind: str
    name: str
    measure: Callable[[Path], dict[str, Any]]


def main() -> None:
    options = _options()
    results = ResultFile("classroom", ("kind", "name"), keep=not options.quick, folder=HERE / "results" / "lessons")
    for work in _all_work():
        if options.names and work.name not in options.names:
            continue
        results.put({"kind": work.kind, "name": work.name, **_worst(work, 1 if options.quick else options.rounds)})


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=3)
    made.add_argument("names", nargs="*", metavar="NAME", help="all of them by default")
    return made.parse_args()


def _all_work() -> list[Work]:
    named = [*SMALL, *(project.name for project in short_projects())]
    here = [name for name in named if is_present(find_project(name).recipe.data.dataset)]
    projects = [Work("project", name, partial(_project, name)) for name in here]
    pages = [Work("lesson", page.stem, partial(_lesson, page)) for page in lessons()]
    return [*projects, *pages]


def _worst(work: Work, rounds: int) -> dict[str, Any]:
    """The figures of several rounds: the largest seconds and memory, and the rest of the last."""
    rows: list[Mapping[str, Any]] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as scratch:
            rows.append(work.measure(Path(scratch)))
    worst = {name: max(row[name] for row in rows) for name in ("seconds", "cpu_seconds", "peak_own_mb")}
    return {**rows[-1], **worst, "rounds": rounds}


def _project(name: str, scratch: Path) -> dict[str, Any]:
    words: list[str | Path] = [sys.executable, "-m", "greycard", "run", name, "--quiet", "--out", scratch / "runs"]
    finished = child.run(words, GREYCARD_CACHE=str(scratch / "cache"))
    run = RunRecord(find_runs(scratch / "runs")[0])
    summary = run.summary
    return {
        "digest": find_project(name).recipe.digest,
        **_cost(finished),
        "epochs": summary.epochs,
        "train_images": summary.train_images,
        "val_images": summary.val_images,
        "train_accuracy": summary.train_accuracy_after,
        "val_accuracy": summary.val_accuracy,
    }


def _lesson(page: Path, scratch: Path) -> dict[str, Any]:
    """All of its code in one process, in an empty folder."""
    own = "\n".join(code(page.read_text(encoding="utf-8")))
    words = [sys.executable, "-c", f"import os\n\nos.chdir({str(scratch)!r})\n{own}"]
    finished = child.run(words, GREYCARD_CACHE=str(scratch / "cache"))
    return _cost(finished)


def _cost(finished: child.Finished) -> dict[str, Any]:
    """Time, and memory without mapped files, whose pages the system takes back when it needs them."""
    return {name: getattr(finished, name) for name in ("seconds", "cpu_seconds", "peak_own_mb")}


if __name__ == "__main__":
    main()
