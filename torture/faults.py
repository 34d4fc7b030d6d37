"""Have the system refuse: a full disk, no permission, a read-only or failing disk, files that vanish.

    python torture/faults.py [--rounds 15]

`full disk`: runs and cache lie on a file system of their own, too small by a random amount (needs the right to mount,
left out without it). The other kinds: a random operation on a file of Greycard's (opening it, also to read where the
error can meet that; renaming, syncing, making folders) answers with the system's error; in lasting kinds every later
one, too. The command must end well with a `note:`, or with exit code 2 and one sentence; when the fault is gone, the
run is gone on with and held against an undisturbed one. Writes `results/faults.json`.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import child
import jobs
from greycard.runs.record import RunRecord, find_runs
from jobs import Job
from report import parser, tell

KINDS = {
    "disk fails once (EIO)": (errno.EIO, False),
    "disk fails for good (EIO)": (errno.EIO, True),
    "no room for good (ENOSPC)": (errno.ENOSPC, True),
    "no permission (EACCES)": (errno.EACCES, True),
    "read-only (EROFS)": (errno.EROFS, True),
    "a file vanishes (ENOENT)": (errno.ENOENT, False),
}
_MOUNT_KB = (40, 1400)


def main() -> None:
    options = parser(__doc__, rounds=15).parse_args()
    child.load()
    tell("faults", "fault", _rows(1 if options.quick else options.rounds), keep=not options.quick)


def _rows(rounds: int) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        job = jobs.make_jobs(Path(folder))["cnn"]
        for seed, (name, (code, lasting)) in enumerate(KINDS.items()):
            chance, operations = random.Random(seed), _operations(job, code)
            yield _row(name, seed, [_refused(job, chance.randint(1, operations), code, lasting) for _ in range(rounds)])
        if _may_mount():
            chance = random.Random(len(KINDS))
            attempts = [_full(job, chance.randint(*_MOUNT_KB)) for _ in range(rounds)]
            yield _row("full disk (a small file system)", len(KINDS), attempts)


def _row(name: str, seed: int, outcomes: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "fault": name,
        "seed": seed,
        "injected": len(outcomes),
        "ended_with_one_sentence": sum(outcome["code"] == 2 for outcome in outcomes),
        "went_on": sum(outcome["code"] == 0 for outcome in outcomes),
        "recovered": sum(not outcome["wrong"] for outcome in outcomes),
        "lost": [outcome["wrong"] for outcome in outcomes if outcome["wrong"]],
    }


def _operations(job: Job, code: int) -> int:
    """How many operations on files of its own, that such an error can meet, an undisturbed training has."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        child.run(job.at(scratch), scratch, partial(_interfere, scratch, 0, code, False))
        return int((scratch / "operations").read_text())


def _refused(job: Job, at: int, code: int, lasting: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        outcome = _ended(job, scratch, partial(_interfere, scratch, at, code, lasting), f"operation {at}")
        return _gone_on(job, scratch, outcome)


def _full(job: Job, kilobytes: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        with _mounted(scratch / child.WORK, kilobytes):
            outcome = _ended(job, scratch, jobs.often, f"{kilobytes} KB")
            subprocess.run(["mount", "-o", "remount,size=64m", str(scratch / child.WORK)], check=True)
            return _gone_on(job, scratch, outcome)


def _ended(job: Job, scratch: Path, before: Callable[[], None], what: str) -> dict[str, Any]:
    """How the disturbed command ended: its exit code, and what it should not have said."""
    code = child.run(job.at(scratch), scratch, before)
    said = (scratch / child.LOG).read_text()
    wrong = [] if code in (0, 2) else [f"exit code {code}"]
    wrong += ["a traceback"] if "Traceback" in said else []
    wrong += ["no error: line"] if code == 2 and "\nerror: " not in f"\n{said}" else []
    return {"code": code, "wrong": [f"{what}: {each}" for each in wrong]}


def _gone_on(job: Job, scratch: Path, outcome: dict[str, Any]) -> dict[str, Any]:
    code = jobs.goes_on(job, scratch)
    outcome["wrong"] += [f"afterwards exit code {code}"] if code else []
    runs = find_runs(scratch / child.WORK / "runs")
    outcome["wrong"] += [] if runs else ["afterwards no run"]
    outcome["wrong"] += [bad for path in runs[-1:] for bad in jobs.differences(RunRecord(path), job.reference)]
    if outcome["wrong"]:
        print((scratch / child.LOG).read_text())
    return outcome


def _interfere(scratch: Path, at: int, code: int, lasting: bool) -> None:
    """In a child: the `at`-th operation on a file under `scratch/work` is refused; 0 counts and refuses nothing."""
    jobs.often()
    ours, count = str(scratch / child.WORK), 0

    def refusing(function: Callable[..., Any], concerns: Callable[..., bool]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            if concerns(*arguments, **named):
                count += 1
                if at and (count >= at if lasting else count == at):
                    raise OSError(code, os.strerror(code), str(arguments[0]))
                if not at:
                    with real_open(scratch / "operations", "w") as file:
                        file.write(str(count))
            return function(*arguments, **named)

        return called

    def under(path: Any, *_: Any, **__: Any) -> bool:
        return isinstance(path, str | os.PathLike) and str(path).startswith(ours)

    def writes(path: Any, mode: Any = "r", *_: Any, **__: Any) -> bool:
        return under(path) and any(letter in str(mode) for letter in "wax+")

    real_open = io.open
    builtins.open = io.open = refusing(io.open, writes if code in (errno.ENOSPC, errno.EROFS) else under)
    for name in ("replace", "rename", "mkdir"):
        setattr(os, name, refusing(getattr(os, name), under))
    for name in ("fsync", "posix_fallocate"):
        setattr(os, name, refusing(getattr(os, name), lambda file, *_: _path_of(file).startswith(ours)))


def _path_of(file: int) -> str:
    return os.readlink(f"/proc/self/fd/{file}")


def _may_mount() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        try:
            with _mounted(Path(folder) / "try", 40):
                return True
        except (OSError, subprocess.CalledProcessError):
            print("note: no right to mount; `full disk` is left out")
            return False


@contextmanager
def _mounted(place: Path, kilobytes: int) -> Iterator[None]:
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)]
    subprocess.run(words, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
