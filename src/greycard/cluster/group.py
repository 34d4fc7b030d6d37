"""Train one run with several workers, each of which computes its parts of every batch.

A worker that is lost ends the group. It is started again, and continues from the newest checkpoint, with the same bits.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from greycard.cluster.engine import Done, Engine, NoRoomError
from greycard.cluster.hub import BEGUN, Hub, LostWorkerError
from greycard.cluster.member import BegunRun, Member, NewRun, train_member
from greycard.cluster.sweep import say
from greycard.cluster.where import open_engine
from greycard.cluster.workers import Workers
from greycard.core.errors import GreycardError, command
from greycard.core.threads import threads_for_parts
from greycard.jobs.data import dataset_of
from greycard.jobs.open_run import Run
from greycard.jobs.resume import ResumePlan
from greycard.jobs.train import Plan
from greycard.runs.author import Author
from greycard.runs.directory import CHECKPOINTS, expect_writable
from greycard.runs.record import RunRecord
from greycard.training.checkpoint import newest_progress
from greycard.training.interruption import InterruptedRunError

_SECONDS_TO_NOTICE = 2.0
"""A worker of a lost machine ends before Ray counts the machine as lost."""

_ATTEMPTS = 4
"""How often a group may begin at the same checkpoint."""


def train_group(plan: Plan, workers: Workers, out: str | Path, author: Author | None, quiet: bool) -> Run:
    """Train one run with several workers, and return it finished: the numbers do not depend on how many there are.

    Args:
        plan: with a part for each worker at least.
        workers: how many, and where.
        out: the folder of runs.
        author: who trains it.
        quiet: True to print nothing.

    Raises:
        GreycardError: a mistake that the user can correct, or workers are lost again and again.
        InterruptedRunError: a signal; the run is saved.
    """
    expect_writable(out)
    folder = Path(out).expanduser()
    return Run(_Group(workers, quiet, NewRun(plan, folder.absolute(), author), folder).train())


def resume_group(plan: ResumePlan, workers: Workers, quiet: bool) -> Run:
    """Continue an unfinished run with any number of workers that divides its parts: the same bits.

    Args:
        plan: of the run.
        workers: how many, and where.
        quiet: True to print nothing.

    Raises:
        GreycardError: as in `train_group`, or the run has fewer parts.
        InterruptedRunError: a signal; the run is saved.
    """
    parts = RunRecord(plan.path).recipe.training.parts
    if workers.count > parts:
        raise GreycardError(
            f"{plan.path} computes each batch in {parts} part{'' if parts == 1 else 's'}, so at most {parts} can"
            f" share it. Received: --workers {workers.count}",
            hint=f"--workers {parts}",
        )
    job = BegunRun(replace(plan, path=plan.path.absolute()))
    return Run(_Group(workers, quiet, job, plan.path.parent).train())


class _Group:
    """The workers of one run, seen from the command.

    Args:
        workers: how many, and where.
        quiet: True to print nothing.
        job: what they train.
        folder: of runs, as the user named it.
    """

    def __init__(self, workers: Workers, quiet: bool, job: NewRun | BegunRun, folder: Path) -> None:
        self._where, self._workers, self._job, self._folder = workers.where, workers.count, job, folder
        self._say = partial(say, quiet)
        self._run = folder / job.plan.path.name if isinstance(job, BegunRun) else None

    def train(self) -> Path:
        """Train to the end, and return the run's folder."""
        threads, tried, place = threads_for_parts().count, 0, self._newest()
        with open_engine(self._where, self._say, threads) as engine:
            _expect_room(engine, self._workers)
            self._say(f"{self._workers} workers with {threads} thread{'' if threads == 1 else 's'} each")
            while not self._attempt(engine):
                if self._run and RunRecord(self._run).finished:  # its worker was lost afterwards
                    break
                place, before = self._newest(), place
                tried = tried + 1 if place == before else 1
                self._expect_progress(tried, place)
                self._begin_again(engine)
        assert self._run is not None
        return self._run

    def _attempt(self, engine: Engine) -> bool:
        """Start all workers, and wait for their ends; False if one was lost."""
        hub = Hub(self._workers, engine.address, self._hear)
        try:
            with engine.room_for(self._workers):
                ended = self._ends(engine, hub)
        except NoRoomError:
            return False
        except KeyboardInterrupt as stop:
            raise self._interrupted(stop) from stop
        finally:
            hub.close()
        _expect_no_mistake(ended)
        return not any(done.error for done in ended)

    def _ends(self, engine: Engine, hub: Hub) -> list[Done[Member, None]]:
        members = [Member(rank, self._workers, hub.address, hub.key) for rank in range(self._workers)]
        ended = []
        try:
            for done in engine.each(train_member, members, attempts=1, common=self._job):
                ended.append(done)
                if done.error:
                    hub.close()
        except NoRoomError:
            hub.close()  # so that workers that wait for a lost one end
            raise
        except KeyboardInterrupt:
            if not hub.is_complete:
                hub.close()  # those that have begun would wait for the others
            raise
        return ended

    def _hear(self, kind: bytes, text: str) -> None:
        if kind == BEGUN:
            self._run = self._folder / Path(text).name
        else:
            self._say(text)

    def _newest(self) -> str:
        """The position of the newest checkpoint, in words; empty without one."""
        found = newest_progress(self._run / CHECKPOINTS) if self._run else None
        return found.place if found else ""

    def _expect_progress(self, tried: int, place: str) -> None:
        if tried < _ATTEMPTS:
            return
        begin = command("resume", self._run, "--workers", 1) if self._run else "the same command with --workers 1"
        raise GreycardError(
            f"a worker was lost {tried} times {place or 'before the first checkpoint'}; the machine may have too little"
            " memory for so many workers",
            hint=f"`{begin}` needs the least" if self._run else f"{begin} needs the least",
        )

    def _begin_again(self, engine: Engine) -> None:
        """Continue the run that was begun, with fewer workers if machines are gone."""
        time.sleep(_SECONDS_TO_NOTICE)
        while self._workers > max(1, engine.slots):
            self._workers //= 2
        count = f"{self._workers} worker{' continues' if self._workers == 1 else 's continue'}"
        if self._run is None:
            self._say(f"a worker was lost; {count} from the beginning")
            return
        self._say(f"a worker was lost; {count} {self._run} {self._newest() or 'from the beginning'}")
        if isinstance(self._job, NewRun):
            plan = self._job.plan
            dataset = dataset_of(RunRecord(self._run), plan.data, None)
            self._job = BegunRun(ResumePlan(self._run.absolute(), dataset, plan.args, plan.build))

    def _interrupted(self, stop: KeyboardInterrupt) -> KeyboardInterrupt:
        if self._run is None:
            return stop
        hint = f"`{command('resume', self._run, '--workers', self._workers)}` continues it"
        saved = self._newest() or "at its beginning"
        return InterruptedRunError(self._run, saved, getattr(stop, "number", signal.SIGINT), hint)


def _expect_room(engine: Engine, workers: int) -> None:
    if engine.slots < workers:
        asked = "1 worker needs room" if workers == 1 else f"{workers} workers need room at the same time"
        raise GreycardError(
            f"{asked}, and there is room for {engine.slots}",
            hint="use fewer --workers, or a smaller GREYCARD_THREADS",
        )


def _expect_no_mistake(ended: Sequence[Done[Member, None]]) -> None:
    """Raise the error of a worker that has ended by a mistake of the user, not because another was lost."""
    for done in sorted(ended, key=lambda done: done.unit.rank):
        if done.error and not done.lost and not isinstance(done.error, LostWorkerError):
            raise done.error
