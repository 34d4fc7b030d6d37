"""Train one run with several workers, each of which computes its parts of every batch.

A worker that is lost ends the group. It is started again, and continues from the newest checkpoint, with the same bits.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from greycard.backend import configure
from greycard.cluster.engine import Done, Engine, NoRoomError
from greycard.cluster.hub import BEGUN, Hub, LostWorkerError
from greycard.cluster.member import BegunRun, Member, NewRun, train_member
from greycard.cluster.sweep import say
from greycard.cluster.where import HERE, PROCESSES, Where, expect_power_of_two, open_engine, parse_where
from greycard.core.errors import GreycardError, command
from greycard.core.threads import threads_for_parts
from greycard.datasets.dataset import Dataset
from greycard.jobs.data import dataset_of
from greycard.jobs.open_run import Run
from greycard.jobs.resume import run_args_now
from greycard.jobs.train import Plan, plan_training
from greycard.models.weights import expect_weights
from greycard.recipe import Recipe
from greycard.recipe.model import ProbeConfig
from greycard.recipe.names import canonical
from greycard.recipe.own_model import expect_own_model
from greycard.runs.author import author_of
from greycard.runs.directory import CHECKPOINTS, expect_writable
from greycard.runs.record import RunRecord
from greycard.runs.run_args import options_of
from greycard.runs.trackers import expect_installed
from greycard.training.checkpoint import newest_progress
from greycard.training.interruption import InterruptedRunError

if TYPE_CHECKING:
    from greycard.models.custom import BuildNetwork

_SECONDS_TO_NOTICE = 2.0
"""A worker of a lost machine ends before Ray counts the machine as lost."""

_ATTEMPTS = 4
"""How often a group may begin at the same checkpoint."""


def train_group(
    what: Any,
    *,
    workers: int,
    on: str = HERE,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    backbone: str | Path | None = None,
    out: str | Path = "runs",
    quiet: bool = False,
    track: Sequence[str] = (),
    author: str | None = None,
    changes: Mapping[str, Any],
) -> Run:
    """Train one run with several workers, and return it finished: the numbers do not depend on how many there are.

    Args:
        what: as for `train`.
        workers: a power of two. The recipe gets as many parts, unless it has more.
        on: where: processes of this machine, `HOST:PORT` of a Ray cluster, or `cluster`.
        changes: fields of the recipe. All other arguments are those of `train`.

    Raises:
        GreycardError: a mistake that the user can correct, or workers are lost again and again.
        InterruptedRunError: a signal; the run is saved.
    """
    where = _place(workers, on)
    configure()
    by, changed = author_of(author), canonical(changes)
    plan = plan_training(what, None, None, data_dir, weights, backbone, track, changed)
    _expect_batches(plan.recipe)
    plan = _in_parts(plan, workers, partial(options_of, weights, backbone))
    expect_writable(out)
    job = NewRun(plan, Path(out).expanduser().absolute(), by)
    return Run(_Group(where, workers, quiet, job).train())


def resume_group(
    run: str | Path | RunRecord,
    *,
    workers: int,
    on: str = HERE,
    data: str | Path | None = None,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    model: BuildNetwork | None = None,
    track: Sequence[str] | None = None,
    quiet: bool = False,
) -> Run:
    """Continue an unfinished run with any number of workers that divides its parts: the same bits.

    Args:
        run: its folder.
        workers: how many.
        on: where, as for `train_group`. All other arguments are those of `resume`.

    Raises:
        GreycardError: as in `resume`, or the run has fewer parts.
        InterruptedRunError: a signal; the run is saved.
    """
    where, record = _place(workers, on), RunRecord(run)
    configure()
    record.expect_unfinished()
    parts = record.recipe.training.parts
    if workers > parts:
        raise GreycardError(
            f"{record.path} computes each batch in {parts} part{'' if parts == 1 else 's'}, so at most {parts} can"
            f" share it. Received: --workers {workers}",
            hint=f"--workers {parts}",
        )
    expect_weights(weights)
    expect_own_model(record.recipe, model)
    args = run_args_now(record, data, data_dir, weights, track)
    expect_installed(args.track)
    job = BegunRun(record.path.absolute(), dataset_of(record, data, data_dir), args, model)
    return Run(_Group(where, workers, quiet, job).train())


def _place(workers: int, on: str) -> Where:
    expect_power_of_two(workers)
    if find_spec("ray") is None:
        raise GreycardError(
            "several workers need Ray, which is not installed", hint='pip install "greycard[ray]", or --workers 1'
        )
    where = Where(PROCESSES, workers) if on == HERE else parse_where(on)
    if where.kind == PROCESSES and where.processes < workers:
        raise GreycardError(
            f"{workers} workers need as many processes. Received: --on {on}", hint=f"--on {PROCESSES}:{workers}"
        )
    return where


def _expect_batches(recipe: Recipe) -> None:
    if isinstance(recipe.model, ProbeConfig):
        raise GreycardError(
            "a probe is fitted on features that are computed once, so workers have no batches to share",
            hint="leave out --workers; --weights none trains a network from scratch, which workers can share",
        )


def _in_parts(plan: Plan, workers: int, options: Callable[[Mapping[str, Any]], tuple[str, ...]]) -> Plan:
    """The plan with a part for each worker at least."""
    if plan.recipe.training.parts >= workers:
        return plan
    changes = {**plan.changes, "training.parts": workers}
    args = replace(plan.args, options=options(changes))
    return replace(plan, recipe=plan.recipe.replace(parts=workers), changes=changes, args=args)


class _Group:
    """The workers of one run, seen from the command.

    Args:
        where: they are.
        workers: how many.
        quiet: True to print nothing.
        job: what they train.
    """

    def __init__(self, where: Where, workers: int, quiet: bool, job: NewRun | BegunRun) -> None:
        self._where, self._workers, self._job = where, workers, job
        self._say = partial(say, quiet)
        self._run = job.path if isinstance(job, BegunRun) else None

    def train(self) -> Path:
        """Train to the end, and return the run's folder."""
        threads, tried, place = threads_for_parts().count, 0, self._newest()
        with open_engine(self._where, self._say, threads) as engine:
            _expect_room(engine, self._workers)
            self._say(f"{self._workers} workers with {threads} thread{'' if threads == 1 else 's'} each")
            while not self._attempt(engine):
                place, before = self._newest(), place
                tried = tried + 1 if place == before else 1
                self._expect_progress(tried, place)
                self._begin_again(engine)
        assert self._run is not None
        return self._run

    def _attempt(self, engine: Engine) -> bool:
        """Start all workers, and wait for their ends; False if one was lost."""
        hub = Hub(self._workers, engine.address, self._hear)
        members = [Member(self._job, rank, self._workers, hub.address, hub.key) for rank in range(self._workers)]
        ended = []
        try:
            for done in engine.each(train_member, members, attempts=1, together=True):
                ended.append(done)
                if done.error:
                    hub.close()
        except NoRoomError:
            hub.close()  # so that workers that wait for a lost one end
            engine.cancel()
            return False
        except KeyboardInterrupt as stop:
            engine.cancel()
            raise self._interrupted(stop) from stop
        finally:
            hub.close()
        _expect_no_mistake(ended)
        return not any(done.error for done in ended)

    def _hear(self, kind: bytes, text: str) -> None:
        if kind == BEGUN:
            self._run = Path(text)
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
            self._job = BegunRun(self._run, _images(self._run, plan), plan.args, plan.build)

    def _interrupted(self, stop: KeyboardInterrupt) -> KeyboardInterrupt:
        if self._run is None:
            return stop
        hint = f"`{command('resume', self._run, '--workers', self._workers)}` continues it"
        saved = self._newest() or "at its beginning"
        return InterruptedRunError(self._run, saved, getattr(stop, "number", signal.SIGINT), hint)


def _images(run: Path, plan: Plan) -> Dataset:
    return dataset_of(RunRecord(run), plan.data, None)


def _expect_room(engine: Engine, workers: int) -> None:
    if engine.slots < workers:
        raise GreycardError(
            f"{workers} workers must run at the same time, and there is room for {engine.slots}",
            hint="use fewer --workers, or a smaller GREYCARD_THREADS",
        )


def _expect_no_mistake(ended: Sequence[Done[Member, None]]) -> None:
    """Raise the error of a worker that has ended by a mistake of the user, not because another was lost."""
    for done in sorted(ended, key=lambda done: done.unit.rank):
        if done.error and not done.lost and not isinstance(done.error, LostWorkerError):
            raise done.error
