"""The trainings that a user asked for, in a file: they survive the page, the server and the machine's restart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import RLock
from typing import Any

from greycard.core.atomic_files import atomic_write
from greycard.core.errors import GreycardError
from greycard.core.locks import locked
from greycard.core.records import from_json, to_json
from greycard.studio.json_files import read_object
from greycard.studio.training.requests import Request

WAITING, RUNNING, FINISHED, FAILED, STOPPED = "waiting", "running", "finished", "failed", "stopped"
"""The states of a job."""

_MOST_ENDED = 50
"""Ended jobs that are remembered; their runs stay in the folder of runs."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training in the queue.

    Attributes:
        id: 16 hexadecimal digits.
        request: what the user asked for.
        state: `waiting`, `running`, `finished`, `failed` or `stopped`.
        stopping: whether the user asked its process to stop.
        asked: when that was last, in seconds since 1970.
        pid: the number of its process; None before it is known.
        born: when its process began, in seconds since 1970: another process may get the same number later.
        started: when the server started it last, in seconds since 1970.
        run: the name of its run; None before the run begins.
        note: what happened to it, such as `resumed`; None for nothing.
        error: why it failed.
    """

    id: str
    request: Request
    state: str = WAITING
    stopping: bool = False
    asked: float | None = None
    pid: int | None = None
    born: float | None = None
    started: float | None = None
    run: str | None = None
    note: str | None = None
    error: str | None = None


@dataclass
class Jobs:
    """The jobs in their order, to be changed."""

    all: list[Job] = field(default_factory=list)

    def named(self, id: object) -> Job | None:
        return next((job for job in self.all if job.id == id), None)

    def first(self, state: str) -> Job | None:
        return next((job for job in self.all if job.state == state), None)

    def change(self, job: Job, **fields: Any) -> Job:
        """Replace some fields of a job."""
        changed = replace(job, **fields)
        self.all = [changed if each.id == job.id else each for each in self.all]
        return changed


class JobsFile:
    """The jobs on disk. Several threads and servers may change them: each change is made alone, and written at once.

    Args:
        file: `jobs.json`.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._threads = file, RLock()

    def read(self) -> Jobs:
        """The jobs; none if there is no file, or if it is damaged."""
        with suppress(ValueError, KeyError, TypeError, GreycardError):
            return Jobs([from_json(Job, each) for each in read_object(self._file)["jobs"]])
        return Jobs()

    @contextmanager
    def changing(self) -> Iterator[Jobs]:
        """The jobs, which are written at the end of the block if they have changed."""
        with self._threads, ExitStack() as held:
            with suppress(OSError):  # a file system without locks
                held.enter_context(locked(self._file.with_suffix(".lock")))
            jobs = self.read()
            before = list(jobs.all)
            yield jobs
            if jobs.all != before:
                self.write(jobs)

    def write(self, jobs: Jobs) -> None:
        jobs.all = _recent(jobs.all)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(self._file, json.dumps({"jobs": [to_json(job) for job in jobs.all]}))


def _recent(jobs: Sequence[Job]) -> list[Job]:
    """Without the oldest of the ended jobs."""
    ended = [job.id for job in jobs if job.state not in (WAITING, RUNNING)]
    forgotten = set(ended[:-_MOST_ENDED])
    return [job for job in jobs if job.id not in forgotten]
