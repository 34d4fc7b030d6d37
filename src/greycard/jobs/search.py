"""Search: the best model that this machine can train in a number of minutes."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from greycard import backend
from greycard.backend import configure, start
from greycard.core.atomic_files import remove
from greycard.core.errors import GreycardError, GreycardWarning, command
from greycard.core.records import to_json
from greycard.core.reporter import Reporter
from greycard.core.values import plain
from greycard.datasets.dataset import Dataset
from greycard.datasets.open import open_dataset
from greycard.datasets.source import Source
from greycard.jobs.data import dataset_of
from greycard.jobs.open_run import Run
from greycard.models.weights import expect_weights
from greycard.runs.author import AUTHOR, Author, author_of
from greycard.runs.directory import ENVIRONMENT, RECIPE, RUN_ARGS, SUMMARY, RunDirectory, expect_writable
from greycard.runs.environment import environment
from greycard.runs.record import RunRecord
from greycard.runs.run_args import RunArgs
from greycard.search.budget import Budget
from greycard.search.record import INTERRUPTED, SEARCH, TRIED, read_search
from greycard.training.interruption import InterruptedRunError

if TYPE_CHECKING:
    from greycard.jobs.search_climb import Climb
    from greycard.jobs.search_plan import Plan

_LINES = 4
"""Lines for the epochs of each recipe on the terminal, about."""


def search(
    what: str | Path | Dataset | Source,
    *,
    minutes: float = 10.0,
    seed: int = 0,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    out: str | Path = "runs",
    quiet: bool = False,
    author: str | None = None,
    task: str | None = None,
) -> Run:
    """Train the best model that fits into a time budget, and return its run.

    Recipes are tried from cheap to dear and compared on validation images. `summary.test_accuracy` is measured once, on
    images that were set aside before. `Run.search` has the ladder; the tried runs are in the run's folder `tried/`.

    Args:
        what: labelled images: anything that `open_dataset` takes.
        minutes: the budget, from this call to the finished run.
        seed: of the images that are set aside, and of every recipe.
        data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.
        weights: of pretrained networks: a file, a folder, `imagenet`, `none`, or None for the weights folder.
        out: the folder of runs; the search gets a new folder in it.
        quiet: True to print nothing.
        author: the name of who trains, shown in tables.
        task: as for `open_dataset`. Numbers are compared by mean absolute error, labels by mean average precision.

    Raises:
        GreycardError: the data has no images, or no recipe can be trained.
        KeyboardInterrupt: a signal ended the search; the best run so far is finished, and `resume` goes on.
    """
    from greycard.reports.progress import terminal_reporter

    seed, budget, by = plain(seed), Budget(_checked_minutes(minutes)), author_of(author)
    configure()
    expect_weights(weights)
    expect_writable(out)
    args = RunArgs.of(dataset := _opened(what, data_dir, task), data_dir, weights, reason="a search tries it")
    with terminal_reporter(quiet, _LINES) as reporter:
        _start(reporter)
        from greycard.jobs.search_plan import make_plan

        plan = make_plan(dataset, weights, seed, budget, reporter)
        return _climbed_from_the_start(plan, args, _new_directory(plan, args, out, by), budget, reporter)


def resume_search(
    run: RunRecord, data: str | Path | Dataset | Source | None, data_dir: str | Path | None, args: RunArgs, quiet: bool
) -> Run:
    """Continue a search that a signal ended, or that was killed.

    Args:
        run: its folder.
        data: where the data is now, if it has moved.
        data_dir: where the folder of named datasets is now.
        args: of the search.
        quiet: True to print nothing.

    Raises:
        GreycardError: the search is finished, another process runs it, or its data has changed.
    """
    from greycard.reports.progress import terminal_reporter

    record = read_search(run.path)
    assert record is not None
    if not (run.finished and record.ended == INTERRUPTED):
        run.expect_unfinished()
    dataset = dataset_of(run, data, data_dir)
    budget = Budget(record.minutes, record.spent_seconds)
    with terminal_reporter(quiet, _LINES) as reporter:
        _start(reporter)
        from greycard.jobs.search_plan import Plan, planned_candidates

        named = replace(dataset, name=run.recipe.data.dataset)
        plan = Plan(named, planned_candidates(record, run.path), {}, replace(record, ended=None))
        (run.path / SUMMARY).unlink(missing_ok=True)
        directory = RunDirectory(run.path)
        return _climbed(plan, directory, args, budget, reporter)


def _climbed_from_the_start(
    plan: Plan, args: RunArgs, directory: RunDirectory, budget: Budget, reporter: Reporter
) -> Run:
    try:
        return _climbed(plan, directory, args, budget, reporter)
    except GreycardError:
        if not any(each.is_dir() for each in (directory.path / TRIED).iterdir()):
            remove(directory.path)  # a mistake of the user leaves nothing behind
        raise


def _climbed(plan: Plan, directory: RunDirectory, args: RunArgs, budget: Budget, reporter: Reporter) -> Run:
    from greycard.jobs.search_climb import Climb
    from greycard.reports.ladder import plan_text

    reporter.log(plan_text(plan.record, directory.path))
    climb = Climb(plan, directory, args, budget, reporter)
    try:
        climb.climb()
        _finish(climb, plan, directory, reporter)
    except KeyboardInterrupt as stop:
        raise _interrupted(stop, climb, plan, directory, reporter) from stop
    finally:
        directory.release()
    return Run(directory.path)


def _finish(climb: Climb, plan: Plan, directory: RunDirectory, reporter: Reporter) -> None:
    from greycard.jobs.search_result import finish_search, with_test

    assert climb.best is not None
    reported = with_test(climb.best, plan.dataset, reporter)
    finish_search(climb.counted(), climb.best, reported, directory)


def _interrupted(
    stop: KeyboardInterrupt, climb: Climb, plan: Plan, directory: RunDirectory, reporter: Reporter
) -> InterruptedRunError:
    """Finish with the best recipe so far, if there is one."""
    number = getattr(stop, "number", 2)
    if climb.best is None:
        return InterruptedRunError(directory.path, "before a recipe was finished", number)
    if not (directory.path / SUMMARY).is_file():
        reporter.log(f"interrupted: finishing with the best so far, {climb.record.best}; again ends at once")
        climb.end(INTERRUPTED)
        _finish(climb, plan, directory, reporter)
    return InterruptedRunError(directory.path, f"with the best so far, {climb.record.best}", number)


def _start(reporter: Reporter) -> None:
    with reporter.status("starting Keras"):
        start()


def _new_directory(plan: Plan, args: RunArgs, out: str | Path, author: Author | None) -> RunDirectory:
    """The folder of a search; until it is finished, its recipe is that of the first rung."""
    from greycard.training.resolve import resolve

    recipe = resolve(plan.candidates[0].recipe, plan.dataset)
    directory = RunDirectory.new(out, recipe.name)
    try:
        directory.write_json(RUN_ARGS, args.to_json())
        if author:
            directory.write_json(AUTHOR, to_json(author))
        directory.write_json(ENVIRONMENT, environment(backend.describe()))
        directory.write_labels(plan.dataset.classes, None)
        directory.write_split(plan.dataset.splits)
        directory.write_json(SEARCH, to_json(plan.record))
        (directory.path / TRIED).mkdir()
        for candidate in plan.candidates:
            candidate.recipe.save(directory.path / TRIED / f"{candidate.name}.json")
        directory.write_json(RECIPE, recipe.to_json())
    except BaseException:
        directory.release()
        remove(directory.path)
        raise
    return directory


def _opened(what: str | Path | Dataset | Source, data_dir: str | Path | None, task: str | None) -> Dataset:
    """The dataset, which has to have images; its notes are printed."""
    dataset = open_dataset(what, data_dir, task=task)
    if not dataset.has_images:
        raise GreycardError(
            f"{dataset.name} has numbers as inputs: a search compares models of images",
            hint=f"`{command('run', dataset.name)}` trains its project",
        )
    for note in dataset.notes:
        warnings.warn(note, GreycardWarning, stacklevel=3)
    return dataset


def _checked_minutes(minutes: float) -> float:
    value = plain(minutes)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise GreycardError(f"minutes must be a number above 0. Received: {value!r}", hint="for example --minutes 10")
    return float(value)
