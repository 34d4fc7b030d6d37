"""One run: prepare, begin its folder, train, write what came of it, and last the summary; or go on with one."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from greycard import backend
from greycard.audit.facts import Preflight
from greycard.audit.preflight import preflight
from greycard.core.atomic_files import remove
from greycard.core.clock import Clock
from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardError, GreycardWarning
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset
from greycard.jobs.learner import Learner, learner
from greycard.jobs.prepare import Prepared, prepare
from greycard.jobs.results import Known, summarise, write_results
from greycard.jobs.test_split import measured_on_test
from greycard.models.pretrained import is_run
from greycard.pipeline.loader import Loader
from greycard.recipe import Recipe
from greycard.runs.directory import ENVIRONMENT, LABELS, RECIPE, RUN_ARGS, RunDirectory, expect_writable
from greycard.runs.environment import environment
from greycard.runs.evidence import diagnosis_line
from greycard.runs.record import RunRecord
from greycard.runs.run_args import RunArgs
from greycard.runs.schema import Summary
from greycard.runs.trackers import Tracker, expect_installed, trackers
from greycard.training.checkpoint import checkpoints
from greycard.training.checkpointer import Checkpointer
from greycard.training.fit import Course, FitResult, fit
from greycard.training.interruption import Interruption
from greycard.training.stopping import stopping_rules

_VERSIONS = ("greycard", "keras", "backend", "backend_version", "numpy", "machine", "device")


def run(recipe: Recipe, dataset: Dataset, origin: RunArgs, *, out: str | Path, reporter: Reporter) -> Path:
    """Carry a recipe out.

    Args:
        recipe: what to train, and how.
        dataset: what to train on.
        origin: what else was asked for.
        out: the folder of runs.
        reporter: told what happens.

    Returns:
        The finished run's folder.

    Raises:
        GreycardError: a mistake a user can mend; before training begins, and so without a folder left behind.
        InterruptedRunError: someone asked to end it; `resume` goes on.
    """
    clock = Clock()
    expect_writable(out)
    expect_installed(origin.track)
    _tell_notes(recipe, dataset)
    prepared = prepare(recipe, dataset, origin.weights, reporter, clock)
    directory = _begin(prepared, origin, out)
    reporter.log(_opening(prepared, directory.path))
    return _carry_out(prepared, directory, origin, reporter, clock)


def resume(run: RunRecord, dataset: Dataset, origin: RunArgs, reporter: Reporter) -> Path:
    """Go on with an unfinished run from the state it kept last; number for number as if it had not been ended.

    Args:
        run: unfinished.
        dataset: its images, as `dataset_of` finds them.
        origin: what else it was asked for.
        reporter: told what happens.

    Returns:
        The finished run's folder.

    Raises:
        GreycardError: other data than it began with, or another process trains it.
        InterruptedRunError: as for `run`.
    """
    clock = Clock()
    expect_installed(origin.track)
    directory = RunDirectory(run.path)
    try:
        directory.write_json(RUN_ARGS, origin.to_json())
        _expect_backbone(run, origin)
        prepared = prepare(run.recipe, replace(dataset, name=run.recipe.data.dataset), origin.weights, reporter, clock)
        _tell_other_versions(run)
        reporter.log(_opening(prepared, directory.path))
        if not checkpoints(directory.checkpoints):
            reporter.log("no state of it was kept: it begins anew")
    except BaseException:
        directory.release()
        raise
    return _carry_out(prepared, directory, origin, reporter, clock)


def _carry_out(prepared: Prepared, directory: RunDirectory, origin: RunArgs, reporter: Reporter, clock: Clock) -> Path:
    told: list[Tracker] = []
    try:
        data = _look(prepared, reporter, clock)
        learns = learner(prepared, reporter, clock)
        told += trackers(origin.track, prepared.recipe, directory.path)
        result = _train(prepared, learns, directory, told, reporter, clock)
        with reporter.status("saving"), clock("saving"):
            write_results(prepared, result, directory)
        with reporter.status("measuring the test images"), clock("validation"):
            test = measured_on_test(prepared)
        known = Known(origin.reason, origin.published, data, test)
        summary = summarise(prepared, result, clock, run=directory.path.name, augment=learns.train.seconds, known=known)
        directory.finish(summary)
    except BaseException:  # Ctrl-C, too
        directory.release()
        for tracker in told:
            tracker.end(None)
        raise
    for tracker in told:
        tracker.end(summary)
    _tell_end(summary, reporter)
    return directory.path


def _tell_notes(recipe: Recipe, dataset: Dataset) -> None:
    for note in [*dataset.notes, *(recipe.augmentation.notes() if recipe.augmentation else ())]:
        warnings.warn(note, GreycardWarning, stacklevel=4)


def _begin(prepared: Prepared, origin: RunArgs, out: str | Path) -> RunDirectory:
    """The recipe comes last: a folder with one is a run."""
    directory = RunDirectory.new(out, prepared.recipe.name)
    try:
        directory.write_json(RUN_ARGS, origin.to_json())
        directory.write_json(ENVIRONMENT, environment(backend.describe()))
        directory.write_json(LABELS, {"classes": list(prepared.classes)})
        directory.write_split(*(part.ids for part in prepared.dataset.splits))
        directory.write_json(RECIPE, prepared.recipe.to_json())
    except BaseException:
        directory.release()
        remove(directory.path)
        raise
    return directory


def _expect_backbone(run: RunRecord, origin: RunArgs) -> None:
    """An earlier run is named as seen from the folder in which this one was begun."""
    name = run.recipe.pretrained.backbone if run.recipe.pretrained else None
    if name and origin.folder and is_run(str(Path(origin.folder, name))) and not is_run(name):
        raise GreycardError(
            f"{run.path} transfers from {name}, which is not here", hint=f"resume it in {origin.folder}"
        )


def _tell_other_versions(run: RunRecord) -> None:
    now = environment(backend.describe())
    other = [f"{name} {run.environment.get(name)}, now {now[name]}" for name in _VERSIONS
             if run.environment.get(name) != now[name]]  # fmt: skip
    if other:
        warnings.warn(
            f"{run.name} was begun with {'; '.join(other)}: its last digits may differ from an uninterrupted run's",
            GreycardWarning,
            stacklevel=4,
        )


def _opening(prepared: Prepared, path: Path) -> str:
    task = prepared.task
    test = f" and {len(prepared.test):,} test" if prepared.test else ""
    return (
        f"{path}: {prepared.recipe.architecture}, {prepared.model.network.count_params():,} parameters;"
        f" {len(prepared.train):,} training and {len(prepared.validation):,} validation"
        f"{test} {task.examples}, {task.description}{_time_allowed(prepared.recipe)};"
        f" trained in {prepared.recipe.training.precision}"
    )


def _time_allowed(recipe: Recipe) -> str:
    """How long it may take, where a recipe says so."""
    minutes, patience = recipe.stopping.minutes, recipe.stopping.patience
    if minutes is None:
        return ""
    plateau = f", or until {patience} epochs bring nothing better" if patience else ""
    return f"; up to {minutes:g} minute{'' if minutes == 1 else 's'} and {recipe.training.epochs} epochs{plateau}"


def _look(prepared: Prepared, reporter: Reporter, clock: Clock) -> Preflight | None:
    """The doctor's quick look at the images; a leak is told of before anyone waits for a figure it spoils."""
    if not prepared.task.has_classes:
        return None
    with reporter.status("looking for leaks and shift"), clock("check"):
        data = preflight(prepared.train, prepared.validation, len(prepared.classes))
    if data.leak_example:
        warnings.warn(
            f"leakage: {data.leaks:,} of {len(prepared.validation):,} validation images also in training, such as"
            f" {' and '.join(data.leak_example)}; `greycard check FOLDER` finds all of them",
            GreycardWarning,
            stacklevel=4,
        )
    return data


def _train(
    prepared: Prepared,
    learns: Learner,
    directory: RunDirectory,
    told: Sequence[Tracker],
    reporter: Reporter,
    clock: Clock,
) -> FitResult:
    recipe = prepared.recipe
    hear: list[Callable[[Epoch], None]] = [directory.append_history, *(each.epoch for each in told)]

    def on_epoch(epoch: Epoch) -> None:
        for hears in hear:
            hears(epoch)

    interruption = Interruption()
    course = Course(
        model=learns.model,
        task=prepared.task,
        precision=recipe.training.precision,
        train=learns.train,
        validation=learns.validation,
        unaugmented=learns.unaugmented,
        epochs=recipe.training.epochs,
        rules=stopping_rules(recipe, len(learns.train.pixels), len(learns.validation.pixels), clock.total),
        checkpointer=Checkpointer(
            directory.checkpoints, _data_digest(learns), clock, interruption, recipe.stopping.keep
        ),
        reporter=reporter,
        clock=clock,
        on_begin=directory.begin_history,
        on_epoch=on_epoch,
    )
    with interruption.awaited():
        return fit(course)


def _data_digest(learns: Learner) -> str:
    """SHA-256 over the pixels or features and the labels of both splits: what an exact continuation depends on."""
    digest = hashlib.sha256()
    for batches in (learns.train, learns.validation):
        digest.update(_identity(batches))
    return digest.hexdigest()


def _identity(batches: Loader) -> bytes:
    return batches.pixels.digest.encode() + batches.pixels.labels.tobytes()


def _tell_end(summary: Summary, reporter: Reporter) -> None:
    kept = summary.kept and f"kept: {summary.kept}"
    for sentence in (summary.stopped, kept, summary.answer, diagnosis_line(summary)):
        if sentence:
            reporter.log(sentence)
