"""Sweep: train every combination of values and seeds as ordinary runs, and end the worse half at rungs if asked."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from greycard.backend import configure
from greycard.cluster.course import Course, make_course
from greycard.cluster.engine import Done, Engine
from greycard.cluster.units import ELSEWHERE, KEPT, Outcome, Source, Task, has_reached, train_unit
from greycard.cluster.where import HERE, expect_share, open_engine, parse_where
from greycard.core.errors import GreycardError
from greycard.core.paths import as_path
from greycard.reports.columns import percent, seconds
from greycard.reports.progress import terminal_reporter
from greycard.runs.directory import expect_writable
from greycard.runs.record import RunRecord
from greycard.runs.sweep import Decision, Score, SweepRecord, better_half, write_plan
from greycard.runs.sweep_plan import Plan, Unit
from greycard.storage.claims import remove_claims
from greycard.training.interruption import InterruptedRunError

_SECONDS_BETWEEN_LOOKS = 1.0
"""Between two looks at runs that other processes train."""


def sweep(
    what: Any,
    *,
    vary: Mapping[str, Sequence[Any]] | None = None,
    seeds: Iterable[int] | None = None,
    halve_from: int | None = None,
    on: str = HERE,
    share: tuple[int, int] | None = None,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    backbone: str | Path | None = None,
    out: str | Path = "runs",
    quiet: bool = False,
    track: str | Sequence[str] = (),
    **changes: Any,
) -> SweepRecord:
    """Train a recipe with every combination of values and seeds, each as an ordinary run.

    The same call again keeps finished runs and continues the others; several processes may call it at the same time.

    Args:
        what: as for `train`.
        vary: the values of each varied field, two or more.
        seeds: of each combination; by default the recipe's own.
        halve_from: the epoch after which the better half continues, then after twice as many; None for no halving.
        on: where the runs are trained: `here`, `processes:N`, `HOST:PORT` of a Ray cluster, or `cluster`.
        share: which part of how many, counted from 0, this process begins with.
        out: the folder of runs; those of the sweep are in its folder NAME-sweep.
        changes: fields of the recipe, the same for all runs. All other arguments are those of `train`.

    Raises:
        GreycardError: a mistake that the user can correct, or runs that could not be trained.
        KeyboardInterrupt: a signal; the same call continues the sweep.
    """
    where = parse_where(on)
    expect_share(share, where)
    configure()
    named = (track,) if isinstance(track, str) else tuple(track)
    course = make_course(Source(what, changes, data_dir, weights, backbone, named), vary or {}, seeds, halve_from)
    _expect_several(course.plan)
    expect_writable(out)
    with open_engine(where, partial(say, quiet)) as engine:
        record = write_plan(folder_of(out, course.plan), course.plan)
        Sweep(record, course, share or (0, 1), quiet).run(engine)
    return record


def folder_of(out: str | Path, plan: Plan) -> Path:
    """The folder of a sweep's runs."""
    return as_path(out, "out").absolute() / f"{plan.name}-sweep"


@dataclass
class Sweep:
    """One sweep in progress, seen from one process.

    Args:
        record: its folder.
        course: what is trained.
        share: which part of how many; it is trained first.
        quiet: True to print nothing.

    Attributes:
        failed: the errors of runs that could not be trained.
    """

    record: SweepRecord
    course: Course
    share: tuple[int, int]
    quiet: bool
    failed: dict[str, GreycardError] = field(default_factory=dict)

    def run(self, engine: Engine) -> None:
        """Train rung after rung, then what is left to its end.

        Raises:
            GreycardError: some runs could not be trained.
            InterruptedRunError: a signal; all runs are saved.
        """
        try:
            self._run(engine)
        except KeyboardInterrupt as stop:
            engine.cancel()
            raise _interrupted(stop, self.record) from stop

    def _run(self, engine: Engine) -> None:
        plan = self.record.plan
        self.say(f"{self.record.path}: {self._size()}")
        for rung in plan.rungs:
            if len(self.record.kept) > 1 and not any(each.epoch == rung for each in self.record.decisions):
                self._train(engine, plan.units_of(self.record.kept), rung)
                self._decide(rung)
        left = self._train(engine, plan.units_of(self.record.kept), None)
        if left:
            count = f"{left} run{' is' if left == 1 else 's are'}"
            self.say(f"{count} in training elsewhere; the same command shows all when they are finished")
        else:
            remove_claims(self.record.path)

    def say(self, sentence: str) -> None:
        """A sentence for the user."""
        say(self.quiet, sentence)

    def tasks_left(self, engine: Engine) -> list[Task]:
        """A task for each run that is not finished."""
        return [self._task(unit, None, engine) for unit in self._waiting(self.record.plan.units, None)]

    def _train(self, engine: Engine, units: Sequence[Unit], until: int | None) -> int:
        """Train units until they are finished or have reached an epoch; returns how many others train now.

        At a rung this waits for the runs of other processes, and trains those of processes that have ended.
        """
        waiting = self._waiting(self._mine_first(units), until)
        while waiting:
            tasks = [self._task(unit, until, engine) for unit in waiting]
            elsewhere = []
            for done in engine.each(train_unit, tasks):
                if done.result and done.result.state == ELSEWHERE:
                    elsewhere.append(done.unit.unit)
                else:
                    self.tell(done)
            expect_no_failure(self.failed, len(self.record.plan.units))
            stuck = len(elsewhere) == len(tasks)
            waiting = self._waiting(elsewhere, until)
            if stuck and until is None and engine.shares_terminal:
                return len(waiting)
            if waiting and stuck:
                time.sleep(_SECONDS_BETWEEN_LOOKS)
        return 0

    def _waiting(self, units: Sequence[Unit], until: int | None) -> list[Unit]:
        """Those that have not reached an epoch."""
        begun = self.record.begun()
        return [unit for unit in units if not has_reached(begun.get(unit.number), until)]

    def _task(self, unit: Unit, until: int | None, engine: Engine) -> Task:
        number, of = self.share
        return Task(
            unit,
            self.course.settings[unit.variation.label],
            self.course.source,
            self.record.path,
            until,
            own=(unit.number - 1) % of == number,
            shown=engine.shares_terminal,
            quiet=self.quiet,
        )

    def _mine_first(self, units: Sequence[Unit]) -> list[Unit]:
        """This share's own units, then those of the next share, and so on."""
        number, of = self.share
        return sorted(units, key=lambda unit: (unit.number - 1 - number) % of)

    def _decide(self, rung: int) -> None:
        """Decide who continues after a rung; every process comes to the same decision from the same figures."""
        if any(each.epoch == rung for each in self.record.decisions):
            return
        plan, kept = self.record.plan, self.record.kept
        begun = self.record.begun()
        scores = tuple(_score(label, [begun[each.number] for each in plan.units_of((label,))], rung) for label in kept)
        decision = Decision(plan.digest, rung, scores, better_half(scores))
        self.record.decide(decision)
        ended = [label for label in kept if label not in decision.kept]
        self.say(
            f"after epoch {rung}: {len(decision.kept)} of {len(kept)} continue: {', '.join(decision.kept)};"
            f" ended: {', '.join(ended)}"
        )

    def tell(self, done: Done[Task, Outcome]) -> None:
        """One line for a unit that has ended."""
        unit, of = done.unit.unit, len(self.record.plan.units)
        where = f" on {done.place}" if done.place else ""
        which = f"run {unit.number} of {of} ({unit.label}){where}"
        if done.error:
            self.failed[which] = done.error
            self.say(f"error: {which}: {done.error.args[0]}")
        elif done.result and done.result.state != KEPT:
            run = self.record.run_of(unit)
            assert run is not None
            self.say(f"{which}: {_result(run)}")

    def _size(self) -> str:
        plan, done = self.record.plan, len(self.record.runs)
        combinations = f"{len(plan.variations)} combination{'' if len(plan.variations) == 1 else 's'}"
        text = (
            f"{len(plan.units)} runs, {combinations} with {len(plan.seeds)} seed{'' if len(plan.seeds) == 1 else 's'}"
        )
        halved = f", halved after epoch {', '.join(map(str, plan.rungs))}" if plan.rungs else ""
        return f"{text}{halved}" + (f"; {done} already finished" if done else "")


def _score(label: str, runs: Sequence[RunRecord], rung: int) -> Score:
    epochs = [run.history[:rung][-1] for run in runs]
    return Score(label, _mean([each.val_accuracy for each in epochs]), _mean([each.val_loss for each in epochs]))


def expect_no_failure(failed: Mapping[str, GreycardError], of: int) -> None:
    """Raise a GreycardError that names the runs that could not be trained, if there are any."""
    if failed:
        first = next(iter(failed.values()))
        raise GreycardError(
            f"{len(failed)} of {of} runs could not be trained: {'; '.join(failed)}: {first.args[0]}",
            hint=f"{first.hint}; the same command continues with the others",
        )


def say(quiet: bool, sentence: str) -> None:
    """A sentence for the user."""
    with terminal_reporter(quiet) as reporter:
        reporter.log(sentence)


def _result(run: RunRecord) -> str:
    if not run.finished:
        last = run.history[-1]
        value = f"loss {last.val_loss}" if last.val_accuracy is None else percent(last.val_accuracy)
        return f"{value} after epoch {last.epoch}"
    found = run.summary
    value = f"loss {found.val_loss}" if found.val_accuracy is None else percent(found.val_accuracy)
    return f"{value} in {seconds(found.time.total_seconds)}, {run.name}"


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean; None if a value is missing."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None


def _interrupted(stop: KeyboardInterrupt, record: SweepRecord) -> InterruptedRunError:
    done = f"{len(record.runs)} of {len(record.plan.units)} runs are finished"
    number = getattr(stop, "number", signal.SIGINT)
    return InterruptedRunError(record.path, done, number, "the same command continues it")


def _expect_several(plan: Plan) -> None:
    if len(plan.units) < 2:
        raise GreycardError(
            "a sweep needs two or more runs: nothing varies", hint="--vary learning_rate=0.003,0.001, or --seeds 0-4"
        )
