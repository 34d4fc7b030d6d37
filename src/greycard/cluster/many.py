"""Train many projects, each with several seeds: all of their runs together, here or on many machines."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from greycard.backend import configure
from greycard.cluster.course import make_course
from greycard.cluster.engine import Engine
from greycard.cluster.sweep import Sweep, expect_no_failure, folder_of, say
from greycard.cluster.units import Source, train_unit
from greycard.cluster.where import HERE, open_engine, parse_where
from greycard.core.errors import GreycardError
from greycard.projects import Project
from greycard.runs.directory import expect_writable
from greycard.runs.sweep import SweepRecord, write_plan
from greycard.training.interruption import InterruptedRunError


def train_many(
    projects: Sequence[Project],
    *,
    seeds: Iterable[int] | None = None,
    on: str = HERE,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    out: str | Path = "runs",
    quiet: bool = False,
    track: Sequence[str] = (),
    changes: Mapping[str, Any],
) -> list[SweepRecord]:
    """Train projects with seeds; the same call again keeps finished runs and continues the others.

    Args:
        projects: what to train.
        seeds: of each project; by default its own.
        on: where, as for `sweep`.
        out: the folder of runs; those of each project are in its folder NAME-sweep.
        changes: fields of the recipes. All other arguments are those of `train`.

    Raises:
        GreycardError: a mistake that the user can correct, or runs that could not be trained.
        InterruptedRunError: a signal; the same call continues.
    """
    where, chosen = parse_where(on), None if seeds is None else tuple(seeds)
    configure()
    sources = [Source(project, changes, data_dir, weights, None, tuple(track)) for project in projects]
    courses = [make_course(source, {}, chosen, None) for source in sources]
    _expect_different([course.plan.name for course in courses])
    expect_writable(out)
    with open_engine(where, partial(say, quiet)) as engine:
        sweeps = [
            Sweep(write_plan(folder_of(out, course.plan), course.plan), course, (0, 1), quiet) for course in courses
        ]
        try:
            _train(engine, sweeps)
        except KeyboardInterrupt as stop:
            engine.cancel()
            done = sum(len(sweep.record.runs) for sweep in sweeps)
            said = f"{done} of {sum(len(sweep.record.plan.units) for sweep in sweeps)} runs are finished"
            number = getattr(stop, "number", signal.SIGINT)
            raise InterruptedRunError(Path(out), said, number, "the same command continues it") from stop
    return [sweep.record for sweep in sweeps]


def _train(engine: Engine, sweeps: Sequence[Sweep]) -> None:
    by_folder = {sweep.record.path: sweep for sweep in sweeps}
    tasks = [task for sweep in sweeps for task in sweep.tasks_left(engine)]
    failed: dict[str, GreycardError] = {}
    for done in engine.each(train_unit, tasks):
        by_folder[done.unit.folder].tell(done)
    for sweep in sweeps:
        failed |= {f"{sweep.record.plan.name}, {which}": error for which, error in sweep.failed.items()}
    expect_no_failure(failed, sum(len(sweep.record.plan.units) for sweep in sweeps))


def _expect_different(names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise GreycardError(f"two recipes have the name {twice!r}", hint="run one after the other, or rename one")
