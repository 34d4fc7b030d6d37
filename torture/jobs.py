"""The trainings that are tortured, small and real: drawn images, an augmented CNN, and transfer from it."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import child
from greycard.runs.record import RunRecord, find_runs
from greycard.training import checkpointer as checkpointer

_COMMON = ("--set", "train_limit=160", "--set", "val_limit=80", "--set", "batch_size=8", "--set", "epochs=3", "--set",
           "rotation_range=20", "--set", "dropout=0.2", "--set", "dense=16", "--quiet")  # fmt: skip
_CNN = ("--set", "image_size=48", "--set", "conv=8,8", "--weights", "none")


@dataclass(frozen=True)
class Job:
    """A command line without `--out`, and the run it gives when nothing disturbs it."""

    words: tuple[str, ...]
    reference: RunRecord

    def at(self, scratch: Path) -> list[str]:
        return [*self.words, "--out", str(scratch / child.WORK / "runs")]


def make_jobs(scratch: Path) -> dict[str, Job]:
    """The jobs by their names, each carried out once undisturbed."""
    images = str(scratch / "pets")
    _expect(child.run(["sample", images], scratch), scratch)
    cnn = ("train", images, *_CNN, *_COMMON)
    first = made(cnn, scratch)
    transfer = ("train", images, "--backbone", str(first.reference.path), "--set", "augmented_copies=2", *_COMMON)
    return {"cnn": first, "transfer": made(transfer, scratch)}


def made(words: tuple[str, ...], scratch: Path) -> Job:
    """The command line carried out undisturbed."""
    out = scratch / f"reference-{len(list(scratch.iterdir()))}"
    _expect(child.run([*words, "--out", str(out)], scratch), scratch)
    return Job(words, RunRecord(find_runs(out)[0]))


def often() -> None:
    """Have every training keep its state after every step; call it in a child."""
    checkpointer._LEAST_SECONDS, checkpointer.SHARE = 0.0, 1e9


def goes_on(job: Job, scratch: Path) -> int:
    """What a user does after a job was disturbed: resume its run, or where there is none give the command again.

    The exit code; 0, too, where the run was finished, and `resume` says so.
    """
    runs = sorted(find_runs(scratch / child.WORK / "runs"), key=lambda path: RunRecord(path).finished)
    if not runs:
        return child.run(job.at(scratch), scratch)
    whole = RunRecord(runs[0]).finished
    code = child.run(["resume", str(runs[0]), "--quiet"], scratch)
    return abs(code - 2) if whole else code


def differences(run: RunRecord, reference: RunRecord) -> list[str]:
    """In what a run is not its reference, number for number, and what lies in its folder that should not."""
    wrong = [] if _numbers(run) == _numbers(reference) else ["history"]
    for name in ("ids", "labels", "probabilities"):
        wrong += [] if np.array_equal(run.predictions[name], reference.predictions[name]) else [name]
    wrong += [] if _weights(run) == _weights(reference) else ["weights"]
    return wrong + [path.name for path in run.path.iterdir() if path.name.startswith(".") or path.name == "checkpoint"]


def _expect(code: int, scratch: Path) -> None:
    if code:
        raise SystemExit(f"an undisturbed command ended with {code}:\n{(scratch / child.LOG).read_text()}")


def _numbers(run: RunRecord) -> list[dict[str, Any]]:
    return [{name: value for name, value in epoch.to_json().items() if "seconds" not in name} for epoch in run.history]


def _weights(run: RunRecord) -> bytes:
    with zipfile.ZipFile(run.model_path) as archive:
        return archive.read("model.weights.h5")
