"""SIGKILL a training at random moments of each of its stages, and see that nothing is lost.

    python torture/kills.py [--rounds 13]

A process trains; when it enters a stage, it is killed after a random part of the time the stage takes. Then the runs
are listed, the run is gone on with (or, if it had not begun, trained anew), and its history, predictions and weights
are held against those of a run that nobody disturbed. In the last stage two processes share the cache and the folder of
runs, and one of them is killed. Writes `results/kills.json`.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import child
import jobs
from greycard.jobs import training_run
from greycard.pipeline import array_split, cache
from greycard.runs.directory import RunDirectory
from greycard.runs.record import RunRecord, find_runs
from greycard.training import checkpointer, features
from greycard.training.loop import Loop
from jobs import Job
from report import parser, tell


@dataclass(frozen=True)
class Stage:
    """A function that is at work in it, one of its calls, and the job."""

    name: str
    owner: Any
    function: str
    calls: int
    job: str = "cnn"


STAGES = (
    Stage("decoding into the cache", array_split, "_decode_into", 2),
    Stage("publishing a cache entry", cache, "write_record", 2),
    Stage("features into the cache", features.FrozenFeatures, "_fill", 4, "transfer"),
    Stage("training", Loop, "_train", 3),
    Stage("training a head on features", Loop, "_train", 3, "transfer"),
    Stage("keeping a checkpoint", checkpointer, "write_checkpoint", 60),
    Stage("writing results", training_run, "write_results", 1),
    Stage("writing the summary", RunDirectory, "finish", 1),
)
TOGETHER = Stage("two processes, one killed", Loop, "_epoch", 3)


_PATIENCE = 3
"""Tries for each kill: a stage may be over before its moment comes."""


def main() -> None:
    options = parser(__doc__, rounds=13).parse_args()
    child.load()
    tell("kills", "stage", _rows(1 if options.quick else options.rounds), keep=not options.quick)


def _rows(rounds: int) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        made = jobs.make_jobs(Path(folder))
        for seed, stage in enumerate([*STAGES, TOGETHER]):
            moments, outcomes = random.Random(seed), list[dict[str, Any]]()
            while sum(outcome["killed"] for outcome in outcomes) < rounds and len(outcomes) < _PATIENCE * rounds:
                outcomes.append(_attempt(stage, made, moments))
            yield _row(stage, seed, outcomes)


def _row(stage: Stage, seed: int, outcomes: list[dict[str, Any]]) -> dict[str, Any]:
    killed = [outcome for outcome in outcomes if outcome["killed"]]
    return {
        "stage": stage.name,
        "seed": seed,
        "tried": len(outcomes),
        "killed": len(killed),
        "resumed_from_a_checkpoint": sum(outcome["resumed"] for outcome in killed),
        "survived": sum(not outcome["wrong"] for outcome in killed),
        "lost": [outcome["wrong"] for outcome in outcomes if outcome["wrong"]],
    }


def _attempt(stage: Stage, made: dict[str, Job], moments: random.Random) -> dict[str, Any]:
    job = made[stage.job]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        other = child.start(job.at(scratch), scratch) if stage is TOGETHER else None
        killed = _kill(stage, job, scratch, moments)
        codes = [
            child.run(["table", "--out", str(scratch / child.WORK / "runs")], scratch),
            child.run(["cache"], scratch),
        ]
        codes += [] if other is None else [child.end(other)]
        codes.append(jobs.goes_on(job, scratch))
        wrong = [f"exit code {code}" for code in codes if code] + _compared(job, scratch)
        if wrong:
            print((scratch / child.LOG).read_text())
        resumed = any(RunRecord(path).summary.resumed for path in find_runs(scratch / child.WORK / "runs") if not wrong)
        return {"killed": killed, "resumed": resumed, "wrong": wrong}


def _kill(stage: Stage, job: Job, scratch: Path, moments: random.Random) -> bool:
    """Whether the process was there to be killed when its moment came."""
    read, write = os.pipe()
    call = moments.randint(1, stage.calls)

    def before() -> None:
        jobs.often()
        setattr(stage.owner, stage.function, _telling(getattr(stage.owner, stage.function), call, write))

    number = child.start(job.at(scratch), scratch, before)
    os.close(write)
    if os.read(read, 1):
        time.sleep(moments.random() * _SECONDS[stage.function])
        os.kill(number, signal.SIGKILL)
    os.close(read)
    return child.end(number) == -signal.SIGKILL


_SECONDS = {
    "_decode_into": 0.3, "write_record": 0.015, "_fill": 0.6, "_train": 0.6, "write_checkpoint": 0.008,
    "write_results": 0.12, "finish": 0.006, "_epoch": 0.8,
}  # fmt: skip
"""About how long a call takes, on two cores."""


def _telling(function: Callable[..., Any], call: int, pipe: int) -> Callable[..., Any]:
    """The function, which writes a byte to the pipe when it is called for that time."""
    calls = 0

    def told(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            os.write(pipe, b"!")
        return function(*arguments, **named)

    return told


def _compared(job: Job, scratch: Path) -> list[str]:
    runs = find_runs(scratch / child.WORK / "runs")
    if not runs:
        return ["no run"]
    return [wrong for path in runs for wrong in jobs.differences(RunRecord(path), job.reference)]


if __name__ == "__main__":
    main()
