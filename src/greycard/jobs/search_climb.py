"""Climb the ladder: train each recipe that fits into the time as an ordinary run, and compare it with the best."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from greycard.core.clock import Clock
from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardError
from greycard.core.records import to_json
from greycard.core.reporter import Reporter
from greycard.jobs.search_gain import gain_of
from greycard.jobs.search_plan import Plan, counts_of
from greycard.jobs.training_run import begin_run, finish_run
from greycard.recipe import Recipe
from greycard.reports.columns import seconds as seconds_text
from greycard.reports.ladder import rung_line
from greycard.runs.directory import RunDirectory
from greycard.runs.record import RunRecord
from greycard.runs.run_args import RunArgs
from greycard.runs.schema import Summary
from greycard.search.budget import Budget, Corrections, Cost, Rates, cost_of, fitted, test_seconds
from greycard.search.candidates import Candidate
from greycard.search.decide import best_of, cannot_be_beaten, more_minutes
from greycard.search.record import (
    ALL_TRIED,
    CERTAIN,
    DONE,
    FAILED,
    INTERRUPTED,
    OUT_OF_TIME,
    PLANNED,
    RUNNING,
    SEARCH,
    SKIPPED,
    TRIED,
    Rung,
    SearchRecord,
)
from greycard.search.speed import measure_rates

_SLOWER = 2
"""Keras computes the reported figure; measured rates are of the fastest engine."""

_CHEAP_SHARE = 1 / 3
"""A recipe that takes at most this part of the time left is tried, even if its gain may be too small to prove."""


class Climb:
    """One search in progress.

    Args:
        plan: the ladder and its images.
        directory: of the search; the tried runs get a folder in it.
        args: of the search's runs.
        budget: the time.
        reporter: shows progress.

    Attributes:
        record: the search so far; its file is always up to date.
    """

    def __init__(self, plan: Plan, directory: RunDirectory, args: RunArgs, budget: Budget, reporter: Reporter) -> None:
        self.record = plan.record
        self._plan, self._directory, self._args = plan, directory, args
        self._budget, self._reporter = budget, reporter
        self._rates, self._corrections = dict(plan.rates), Corrections()
        self._dataset = replace(plan.dataset, test=None)

    @property
    def best(self) -> RunRecord | None:
        """The best run so far."""
        return None if self.record.best is None else self._run_of(self.record.rung(self.record.best))

    def climb(self) -> None:
        """Train what fits, from cheap to dear; stop when nothing better could be told apart.

        Raises:
            KeyboardInterrupt: a signal; the record says where the search is.
            GreycardError: no recipe could be trained.
        """
        for place, candidate in enumerate(self._plan.candidates, 1):
            if self.record.rung(candidate.name).state in (PLANNED, RUNNING):
                if not self._is_certain() or self._is_cheap(candidate):
                    self._reporter.log(f"{place} of {len(self._plan.candidates)}: {candidate.name}, {candidate.what}")
                self._try(candidate)
                self._reporter.log(rung_line(self.record, self.record.rung(candidate.name)))
        if self.best is None:
            failed = next(rung for rung in self.record.rungs if rung.why)
            raise GreycardError(f"no recipe could be trained: {failed.why}", hint="leave --minutes out to choose one")
        self.end(None)

    def counted(self) -> SearchRecord:
        """The record with the time until now."""
        self._write(self.record)
        return self.record

    def end(self, ended: str | None) -> None:
        """Record how the search ended, and what more minutes would bring."""
        certain, rungs = self._is_certain(), self.record.rungs
        late = any(rung.rising or rung.shortened or rung.state == SKIPPED for rung in rungs) and not certain
        why = ended or (OUT_OF_TIME if late else CERTAIN if certain else ALL_TRIED)
        more = None if why == INTERRUPTED else more_minutes(self.record, certain)
        self._write(replace(self.record, ended=why, more=more))

    def _try(self, candidate: Candidate) -> None:
        rung = self.record.rung(candidate.name)
        if self._is_certain() and not self._is_cheap(candidate):
            self._skip(
                candidate, f"no better model could be told apart on {self.record.val_images:,} validation images"
            )
            return
        try:
            if rung.run is not None and (self._tried / rung.run).is_dir():
                self._finish(candidate, self._resumed(rung))
                return
            if self.best is not None and (left := self._budget.left) <= self._least_start():
                self._skip(candidate, f"only {seconds_text(left)} are left" if left else "no time is left")
                return
            cost = self._cost(candidate)
            recipe = self._fitting(candidate, cost)
            if recipe is None:
                least = seconds_text(cost.seconds(candidate.least_epochs))
                self._skip(candidate, f"it needs about {least}; {seconds_text(self._room(candidate))} are left")
                return
            self._finish(candidate, self._trained(candidate, recipe))
        except GreycardError as error:
            self._set(replace(self.record.rung(candidate.name), state=FAILED, why=str(error.args[0])))

    def _skip(self, candidate: Candidate, why: str) -> None:
        self._set(replace(self.record.rung(candidate.name), state=SKIPPED, why=why))

    def _is_cheap(self, candidate: Candidate) -> bool:
        """True if the recipe is known to take only a small part of the time that is left."""
        if candidate.name not in self._rates:
            return False
        return self._cost(candidate).seconds(candidate.recipe.training.epochs) <= _CHEAP_SHARE * self._budget.left

    def _least_start(self) -> float:
        """Seconds to build and compile the fastest network that was measured; with less time, nothing can start."""
        return min((rates.start for rates in self._rates.values()), default=0.0)

    def _cost(self, candidate: Candidate) -> Cost:
        """The expected cost, corrected by what recipes of its kind really took."""
        if candidate.name not in self._rates:
            with self._reporter.status(f"measuring this machine: {candidate.what}"):
                self._rates[candidate.name] = measure_rates(candidate.recipe, self._dataset, self._args.weights)
            expected = self._uncorrected(candidate.recipe, self._rates[candidate.name])
            seconds = expected.seconds(candidate.recipe.training.epochs)
            self._set(replace(self.record.rung(candidate.name), expected_seconds=seconds))
        cost = self._uncorrected(candidate.recipe, self._rates[candidate.name])
        return cost.times(self._corrections.of(candidate.recipe))

    def _uncorrected(self, recipe: Recipe, rates: Rates) -> Cost:
        return cost_of(recipe, rates, counts_of(self._plan.dataset))

    def _fitting(self, candidate: Candidate, cost: Cost) -> Recipe | None:
        """The recipe at the length that fits; the first recipe is trained even if it does not fit."""
        room = self._room(candidate)
        recipe = fitted(candidate.recipe, candidate.least_epochs, cost, room)
        if recipe is None and self.record.best is None:
            short = min(candidate.least_epochs, candidate.recipe.training.epochs)
            return candidate.recipe.replace(epochs=short, minutes=max(round(room / 60, 2), 0.01))
        return recipe

    def _room(self, candidate: Candidate) -> float:
        """Seconds that are left for training: the reported figure has to be measured, too."""
        rates = self._rates[candidate.name]
        return max(0.0, self._budget.left - _SLOWER * test_seconds(rates, self._plan.counts) - rates.start / 2)

    def _trained(self, candidate: Candidate, recipe: Recipe) -> RunRecord:
        from greycard.training.callbacks import EpochFunction
        from greycard.training.prepare import prepare

        keras.utils.clear_session()
        clock = Clock()
        setup = prepare(recipe, self._dataset, self._args.weights, self._reporter, clock)
        directory = begin_run(setup, self._args, self._tried, candidate.name)
        rung = self.record.rung(candidate.name)
        self._set(replace(rung, state=RUNNING, run=directory.path.name))
        called = [EpochFunction(self._count_time)]
        return RunRecord(finish_run(setup, directory, self._args, called, self._reporter, clock))

    def _resumed(self, rung: Rung) -> RunRecord:
        from greycard.jobs.resume import resume_run

        run = self._run_of(rung)
        if not run.finished:
            resume_run(run, self._dataset, self._args, None, [self._count_time], self._reporter)
        return RunRecord(run.path)

    def _count_time(self, _: Epoch) -> None:
        """After each epoch: if the process is killed, `resume` knows what the budget has left."""
        self._write(self.record)

    def _finish(self, candidate: Candidate, run: RunRecord) -> None:
        """Record what the run took and gained."""
        summary, best = run.summary, self.best
        took = summary.time.total_seconds
        if candidate.name in self._rates:
            expected = self._uncorrected(run.recipe, self._rates[candidate.name]).seconds(summary.epochs)
            self._corrections.learn(run.recipe, expected, took)
        gain = None
        if best is not None and self.record.best is not None:
            gain = gain_of(run, self.record.best, best)
        timed = summary.stopped is not None and "time limit" in summary.stopped
        done = replace(
            self.record.rung(candidate.name),
            state=DONE,
            run=run.path.name,
            seconds=took,
            val_accuracy=summary.val_accuracy,
            val_mae=summary.numbers.validation.mae if summary.numbers else None,
            val_average_precision=_average_precision(summary),
            stopped=summary.stopped,
            shortened=_shortened(candidate.recipe, run.recipe),
            rising=timed and summary.best_epoch == summary.epochs,
            gain=gain,
        )
        changed = self.record.with_rung(done)
        kept = best_of(changed.rungs)
        self._write(replace(changed, best=kept.name if kept else None))

    def _is_certain(self) -> bool:
        best = self.best
        if best is None or not best.task.has_one_class:
            return False
        right = best.task.correct(best.predictions["labels"], best.predictions["probabilities"])
        return cannot_be_beaten(int(np.sum(~right)), len(right))

    @property
    def _tried(self) -> Path:
        return self._directory.path / TRIED

    def _run_of(self, rung: Rung) -> RunRecord:
        assert rung.run is not None
        return RunRecord(self._tried / rung.run)

    def _set(self, rung: Rung) -> None:
        self._write(self.record.with_rung(rung))

    def _write(self, record: SearchRecord) -> None:
        self.record = replace(record, spent_seconds=self._budget.spent)
        self._directory.write_json(SEARCH, to_json(self.record))


def _shortened(full: Recipe, trained: Recipe) -> str | None:
    epochs, planned = trained.training.epochs, full.training.epochs
    return f"{epochs} of {planned}" if epochs < planned else None


def _average_precision(summary: Summary) -> float | None:
    """The mean average precision on validation, if an image can have several labels."""
    figure = summary.labels.mean_average_precision if summary.labels else None
    return figure.value if figure else None
