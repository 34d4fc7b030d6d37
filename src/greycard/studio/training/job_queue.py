"""The queue of trainings: one runs at a time, in a process that goes on when the server ends."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from greycard.deploy.serve.limits import RefusedError
from greycard.studio.processes import ENDED, end_of, error_in
from greycard.studio.training import detached
from greycard.studio.training.jobs import FAILED, FINISHED, RUNNING, STOPPED, WAITING, Job, Jobs, JobsFile
from greycard.studio.training.requests import RESUME, Request, resume_words
from greycard.studio.training.run_list import is_done, is_unfinished, run_of_job

_LOOK_SECONDS = 0.5
_MOST_WAITING = 50
_PATIENCE_SECONDS = 10.0
"""From the first Stop to one that ends a training at once: a double click must not cost its checkpoint."""


class Queue:
    """The trainings on one folder. Its methods may be called from several threads.

    Everything it knows is on disk, so that the next server continues where this one ends.

    Args:
        root: the folder of images.
        state: where the queue and the output of its processes are.
        runs: the folder of runs.
        author: the name of who trains.
    """

    def __init__(self, root: Path, state: Path, runs: Path, author: str | None = None) -> None:
        self._root, self._logs, self._runs, self._author = root, state / "jobs", runs, author
        self._file = JobsFile(state / "jobs.json")
        self._is_first_look = True

    def jobs(self) -> list[Job]:
        """All jobs, in their order."""
        return self._file.read().all

    def add(self, request: Request) -> None:
        """Put a training at the end of the queue.

        Raises:
            RefusedError: too many are waiting, or the run to resume is in the queue already.
        """
        with self._file.changing() as jobs:
            open_jobs = [job for job in jobs.all if job.state in (WAITING, RUNNING)]
            run = request.name if request.how == RESUME else None
            if len(open_jobs) >= _MOST_WAITING:
                raise RefusedError(409, f"{_MOST_WAITING} trainings are waiting; expected fewer")
            if run is not None and any(job.run == run for job in open_jobs):
                raise RefusedError(409, f"{run} is in the queue already")
            jobs.all.append(Job(id=secrets.token_hex(8), request=request, run=run))
        self.look()

    def stop(self, id: object) -> None:
        """Ask a running training to end as Ctrl-C does; a second time, some seconds later, end it at once.

        Raises:
            RefusedError: it does not run, or was asked just before.
        """
        with self._file.changing() as jobs:
            job = _expect(jobs, id, (RUNNING,), "running")
            if time.time() - (job.asked or 0.0) < _PATIENCE_SECONDS:
                raise RefusedError(
                    409, f"it is stopping already; {_PATIENCE_SECONDS:.0f} s after the first, Stop ends it at once"
                )
            if job.pid is not None and _lives(job):
                (detached.kill if job.stopping else detached.interrupt)(job.pid)
            jobs.change(job, stopping=True, asked=time.time())

    def resume(self, id: object) -> None:
        """Put a training that was stopped or has failed into the queue again; it continues its run if that can be."""
        with self._file.changing() as jobs:
            job = _expect(jobs, id, (STOPPED, FAILED), "stopped or failed")
            jobs.change(job, state=WAITING, stopping=False, asked=None, note=None, error=None)
        self.look()

    def remove(self, id: object) -> None:
        """Take a training that does not run from the list; its run stays."""
        with self._file.changing() as jobs:
            job = _expect(jobs, id, (WAITING, FINISHED, FAILED, STOPPED), "not running")
            jobs.all.remove(job)
        self._log(job).unlink(missing_ok=True)

    def output(self, job: Job) -> str:
        """The end of what a training's process has written for people."""
        return end_of(self._log(job))

    def look(self) -> None:
        """See what has become of the running training, and start the next one."""
        first, self._is_first_look = self._is_first_look, False
        known = self._file.read()
        if known.first(RUNNING) is None and known.first(WAITING) is None:
            return
        with self._file.changing() as jobs:
            running = jobs.first(RUNNING)
            if running is not None:
                self._look_at(running, jobs, first)
            waiting = jobs.first(WAITING)
            if waiting is not None and jobs.first(RUNNING) is None:
                self._start(waiting, jobs)

    @asynccontextmanager
    async def lifespan(self, _: Any) -> AsyncIterator[None]:
        """Look again and again while the server runs."""
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(ended.wait,), name="greycard studio", daemon=True)
        watcher.start()
        yield
        ended.set()
        watcher.join()

    def _watch(self, wait: Callable[[float], bool]) -> None:
        while True:
            try:
                self.look()
            except Exception:  # such as a full disk; the next look may find room
                logging.getLogger("greycard.serve").exception("the queue of trainings cannot go on")
            if wait(_LOOK_SECONDS):
                return

    def _start(self, job: Job, jobs: Jobs) -> None:
        """The state is on disk before the process exists: a server that is killed in between finds it by its job."""
        self._log(job).unlink(missing_ok=True)  # an error in it is not of this process
        job = jobs.change(job, state=RUNNING, pid=None, born=None, started=time.time())
        self._file.write(jobs)
        continues = job.run is not None and is_unfinished(self._runs / job.run)
        if job.run is not None and not continues and job.request.how != RESUME:
            job = jobs.change(job, run=None)
        again = resume_words(self._runs / str(job.run), self._root)
        words = again if continues else job.request.words(self._root, self._runs, self._author)
        pid = detached.start(words, self._log(job), job.id)
        jobs.change(job, pid=pid, born=detached.born(pid))

    def _look_at(self, job: Job, jobs: Jobs, first: bool) -> None:
        if job.pid is None:
            pid = detached.find(job.id)
            job = job if pid is None else jobs.change(job, pid=pid, born=detached.born(pid))
            if pid is not None and job.stopping:  # the user asked while its number was not known
                detached.interrupt(pid)
        is_alive = _lives(job)
        if job.run is None:
            run = run_of_job(job.id, self._runs, (job.started or 0.0) - 1)
            job = job if run is None else jobs.change(job, run=run)
        if is_alive:
            return
        self._end(job, jobs, first)

    def _end(self, job: Job, jobs: Jobs, first: bool) -> None:
        """Record how a process has ended; if that was while no server ran, its training goes on."""
        error = error_in(self.output(job))
        if job.run is not None and is_done(self._runs / job.run):
            jobs.change(job, state=FINISHED)
        elif job.stopping:
            jobs.change(job, state=STOPPED)
        elif error or not first:
            jobs.change(job, state=FAILED, error=error or ENDED)
        else:
            continues = job.run is not None and is_unfinished(self._runs / job.run)
            jobs.change(job, state=WAITING, note="resumed" if continues else "started again")

    def _log(self, job: Job) -> Path:
        return self._logs / f"{job.id}.log"


def _lives(job: Job) -> bool:
    return job.pid is not None and job.born is not None and detached.lives(job.pid, job.born)


def _expect(jobs: Jobs, id: object, states: tuple[str, ...], what: str) -> Job:
    job = jobs.named(id)
    if job is None:
        raise RefusedError(404, f"there is no training {str(id)[:40]!r}")
    if job.state not in states:
        raise RefusedError(409, f"expected a training that is {what}. Received: one that is {job.state}")
    return job
