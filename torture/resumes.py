"""Interrupt real trainings several times and hold them against undisturbed ones, number for number.

    GREYCARD_DATA=… GREYCARD_WEIGHTS=… python torture/resumes.py [--rounds 3]

A dense net, a CNN with augmentation and a transfer run of the published table, on part of their data. SIGINT comes at
random moments of training, `greycard resume` goes on. Also: what the checkpoints took of the undisturbed run's time.
Writes `results/resumes.json`.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import child
import jobs
from greycard.runs.record import RunRecord, find_runs
from greycard.training.loop import Loop
from report import parser, tell

PROJECTS = {
    "mnist-dnn": ("epochs=4",),
    "horses-humans-cnn-augmented": ("epochs=3", "train_limit=300", "val_limit=100"),
    "horses-humans-transfer": ("epochs=4", "train_limit=160", "val_limit=60"),
}


def main() -> None:
    options = parser(__doc__, rounds=3).parse_args()
    child.load()
    tell("resumes", "project", _rows(options.rounds), keep=not options.quick)


def _rows(rounds: int) -> Iterator[dict[str, Any]]:
    for seed, (name, settings) in enumerate(PROJECTS.items()):
        words = ("run", name, "--quiet", *(word for setting in settings for word in ("--set", setting)))
        with tempfile.TemporaryDirectory() as folder:
            row = _row(words, seed, rounds, Path(folder))
            yield {"project": name, "settings": list(settings), "seed": seed, **row}


def _row(words: tuple[str, ...], seed: int, times: int, scratch: Path) -> dict[str, Any]:
    job = jobs.made(words, scratch)
    reference = job.reference.summary
    training = sum(line.train_seconds for line in job.reference.history)
    chance, interrupted = random.Random(seed), 0
    command = job.at(scratch)
    for _ in range(times):
        code = _interrupted(command, scratch, chance.random() * training / (times + 1))
        interrupted += code == 128 + signal.SIGINT
        command = ["resume", *map(str, find_runs(scratch / child.WORK / "runs")), "--quiet"]
    code = jobs.goes_on(job, scratch)
    run = RunRecord(find_runs(scratch / child.WORK / "runs")[0])
    return {
        "parameters": reference.parameters,
        "epochs": reference.epochs,
        "interrupted": interrupted,
        "resumed": run.summary.resumed,
        "lost": jobs.differences(run, job.reference)
        + ([f"exit code {code}"] if code else [])
        + ([] if interrupted == run.summary.resumed > 0 else ["not interrupted and resumed as often"]),
        "checkpoint_share": reference.time.seconds_by_part["checkpoint"] / reference.time.total_seconds,
        "total_seconds": reference.time.total_seconds,
        "peak_memory_mb": reference.peak_memory_mb,
        "expected_memory_mb": reference.expected_memory_mb,
    }


def _interrupted(command: list[str], scratch: Path, seconds: float) -> int:
    """Ctrl-C so many seconds after training began; the exit code."""
    read, write = os.pipe()
    begin = Loop._epoch

    def before() -> None:
        def told(*arguments: Any) -> Any:
            os.write(write, b"!")
            return begin(*arguments)

        Loop._epoch = told  # type: ignore[assignment,method-assign]

    number = child.start(command, scratch, before)
    os.close(write)
    if os.read(read, 1):
        time.sleep(seconds)
        os.kill(number, signal.SIGINT)
    code = child.end(number)
    os.close(read)
    return code


if __name__ == "__main__":
    main()
