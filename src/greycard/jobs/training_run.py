"""One run: create its directory, train, write the results, and last the summary."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras

from greycard import backend
from greycard.audit.facts import Preflight
from greycard.audit.preflight import preflight
from greycard.backend.choices import Choices
from greycard.backend.steps import choices_for
from greycard.core.atomic_files import remove
from greycard.core.clock import Clock
from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardWarning
from greycard.core.records import to_json
from greycard.core.reporter import Reporter
from greycard.evaluation.label_scores import LabelScores
from greycard.evaluation.rejection.record import Rejection
from greycard.jobs.measure_test import Answers, answers_on_test
from greycard.jobs.rejection import learned_rejection
from greycard.jobs.results import Known, summarise, with_thresholds, write_results
from greycard.recipe import Recipe
from greycard.recipe.model import ProbeConfig
from greycard.runs.author import AUTHOR, Author
from greycard.runs.directory import CHOICES, ENVIRONMENT, RECIPE, RUN_ARGS, RunDirectory
from greycard.runs.environment import environment
from greycard.runs.evidence import diagnosis_line
from greycard.runs.record import RunRecord
from greycard.runs.run_args import RunArgs
from greycard.runs.schema import Summary
from greycard.runs.trackers import Tracker, trackers
from greycard.training.callbacks import Callback
from greycard.training.checkpointer import Checkpointer
from greycard.training.features import with_cached_features
from greycard.training.interruption import Interruption
from greycard.training.loop import FitResult, Measured, fit
from greycard.training.probe import with_probe
from greycard.training.setup import TrainSetup


def begin_run(
    setup: TrainSetup, args: RunArgs, out: str | Path, name: str | None = None, author: Author | None = None
) -> RunDirectory:
    """Create a run directory. The recipe is written last: a directory with a recipe is a run.

    Args:
        setup: what is trained.
        args: kept in the run.
        out: the folder of runs.
        name: of the directory, before its number; by default the recipe's name.
        author: who trains it.
    """
    directory = RunDirectory.new(out, name or setup.recipe.name)
    try:
        directory.write_json(RUN_ARGS, args.to_json())
        if author:
            directory.write_json(AUTHOR, to_json(author))
        directory.write_json(ENVIRONMENT, environment(backend.describe()))
        directory.write_labels(setup.classes, setup.task.target)
        directory.write_split(setup.dataset.splits)
        directory.write_json(RECIPE, setup.recipe.to_json())
    except BaseException:
        directory.release()
        remove(directory.path)
        raise
    return directory


def finish_run(
    setup: TrainSetup,
    directory: RunDirectory,
    args: RunArgs,
    callbacks: Sequence[Callback],
    reporter: Reporter,
    clock: Clock,
    pause_after: int | None = None,
) -> Path:
    """Train, write the results, and last the summary; or pause after the epoch `pause_after`, counted from 1.

    Returns:
        The run directory.

    Raises:
        InterruptedRunError: the user interrupted training; `resume` continues it.
        PausedRunError: it paused; `resume` continues it.
    """
    started: list[Tracker] = []
    try:
        data = _preflight(setup, reporter, clock)
        setup = _with_choices(_with_features(setup, reporter, clock), directory, reporter)
        started += trackers(args.track, setup.recipe, directory.path)
        result = _train(setup, directory, [_Tracking(started), *callbacks], reporter, clock, pause_after)
        setup = with_thresholds(setup, result)
        with reporter.status("saving"), clock("saving"):
            write_results(setup, result, directory)
        with reporter.status("measuring the test images"), clock("validation"):
            test = answers_on_test(setup)
        rejection = _learn_rejection(setup, test, directory, reporter, clock)
        figures = _measured(setup, test), _label_scores(setup, test)
        known = Known(args.reason, args.published, data, *figures, rejection, args)
        summary = summarise(setup, result, clock, run=directory.path.name, known=known)
        directory.finish(summary)
    except BaseException:  # Ctrl-C, too
        directory.release()
        for tracker in started:
            tracker.end(None)
        raise
    for tracker in started:
        tracker.end(summary)
    _log_end(summary, reporter)
    return directory.path


def opening(setup: TrainSetup, path: Path) -> str:
    """What the run trains, in one sentence."""
    recipe, arrays, task = setup.recipe, setup.arrays, setup.task
    examples = "images" if recipe.data.has_images else "pairs"
    counts = f"{len(arrays.train):,} training and {len(arrays.validation):,} validation {examples}"
    test = f" and {len(arrays.test):,} test {examples}" if arrays.test else ""
    return (
        f"{path}: {recipe.architecture}, {setup.model.network.count_params():,} parameters; {counts}{test},"
        f" {task.description}{_time_allowed(recipe)}; trained in {recipe.training.precision}"
    )


def _time_allowed(recipe: Recipe) -> str:
    """The time limit, if the recipe has one."""
    minutes, patience = recipe.stopping.minutes, recipe.stopping.patience
    if minutes is None:
        return ""
    plateau = ""
    if patience and patience < recipe.training.epochs and not recipe.schedule.changes:
        plateau = f", or until {patience} epoch{' brings' if patience == 1 else 's bring'} no improvement"
    return f"; up to {minutes:g} minute{'' if minutes == 1 else 's'} and {recipe.training.length}{plateau}"


def _with_features(setup: TrainSetup, reporter: Reporter, clock: Clock) -> TrainSetup:
    """The setup on cached features if the model is frozen."""
    if isinstance(setup.recipe.model, ProbeConfig):
        return with_probe(setup, reporter, clock)
    return with_cached_features(setup, reporter, clock)


def _with_choices(setup: TrainSetup, directory: RunDirectory, reporter: Reporter) -> TrainSetup:
    """The setup with the choices that the run began with; a run that begins makes them."""
    choices = RunRecord(directory.path).choices
    if choices is None:
        train, precision = setup.loaders.train, setup.recipe.training.precision
        choices = Choices()
        if setup.recipe.training.parts == 1:
            with reporter.status("choosing the fastest operations"):
                choices = choices_for(setup.network, train.batch_size, setup.steps, precision)
        directory.write_json(CHOICES, to_json(choices))
    return replace(setup, choices=choices)


def _preflight(setup: TrainSetup, reporter: Reporter, clock: Clock) -> Preflight | None:
    """Check for leaks and shift before training, and warn of a leak, which makes the accuracy too high."""
    if not setup.recipe.data.has_images:
        return None
    arrays = setup.arrays
    with reporter.status("looking for leaks and shift"), clock("check"):
        data = preflight(arrays.train, arrays.validation, len(setup.classes))
    if data.leak_example:
        warnings.warn(
            f"leakage: {data.leaks:,} of {len(arrays.validation):,} validation images also in training, such as"
            f" {' and '.join(data.leak_example)}; `greycard check FOLDER` finds all of them",
            GreycardWarning,
            stacklevel=4,
        )
    return data


class _History(Callback):
    """Writes the run's history."""

    def __init__(self, directory: RunDirectory) -> None:
        self._directory = directory

    def begin(self, network: keras.Model, epochs: int, history: Sequence[Epoch]) -> None:
        self._directory.begin_history(list(history))

    def record(self, epoch: Epoch) -> None:
        self._directory.append_history(epoch)


class _Tracking(Callback):
    """Logs every epoch to the trackers."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self._trackers = trackers

    def record(self, epoch: Epoch) -> None:
        for tracker in self._trackers:
            tracker.epoch(epoch)


def _train(
    setup: TrainSetup,
    directory: RunDirectory,
    callbacks: Sequence[Callback],
    reporter: Reporter,
    clock: Clock,
    pause_after: int | None,
) -> FitResult:
    interruption = Interruption(None if pause_after == setup.recipe.training.epochs else pause_after)
    keep, exchange = setup.recipe.stopping.keep, setup.exchange
    checkpointer = Checkpointer(directory.checkpoints, setup.data_digest, clock, interruption, keep, exchange)
    with interruption.awaited():
        return fit(setup, checkpointer, [_History(directory), *callbacks], reporter, clock)


def _measured(setup: TrainSetup, test: Answers | None) -> Measured | None:
    """The metrics on the test images."""
    if test is None or setup.arrays.test is None:
        return None
    return test.measured(setup.task, setup.arrays.test.labels)


def _label_scores(setup: TrainSetup, test: Answers | None) -> LabelScores | None:
    """Each label's figures on the test images, if an image can have several."""
    if test is None or setup.arrays.test is None:
        return None
    return test.label_scores(setup.task, setup.arrays.test.labels, setup.classes)


def _learn_rejection(
    setup: TrainSetup, test: Answers | None, directory: RunDirectory, reporter: Reporter, clock: Clock
) -> Rejection | None:
    """Learn which images belong to no class, and write it to the run."""
    with reporter.status("learning what to refuse"), clock("rejection"):
        stored = learned_rejection(setup, test, reporter)
        if stored is None:
            return None
        directory.write_rejection(stored)
    return stored.scores.rejection()


def _log_end(summary: Summary, reporter: Reporter) -> None:
    kept = summary.kept and f"kept: {summary.kept}"
    for sentence in (summary.stopped, kept, summary.answer, diagnosis_line(summary)):
        if sentence:
            reporter.log(sentence)
