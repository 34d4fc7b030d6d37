"""Train one run of a sweep, by the code of `greycard train`, as far as it is asked for now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greycard.backend import configure, start
from greycard.core.reporter import Reporter
from greycard.jobs.data import dataset_of
from greycard.jobs.resume import resume_run
from greycard.jobs.train import plan_training, train_plan
from greycard.reports.progress import LateLog, log_reporter, terminal_reporter
from greycard.runs.record import RunRecord
from greycard.runs.run_args import read_run_args
from greycard.runs.sweep_plan import Unit
from greycard.storage.claims import claimed
from greycard.training.interruption import PausedRunError

LOG = "log.txt"
"""The file of a run with its messages, if it was trained where nobody sees a terminal."""

_LINES = 4
"""Lines for the epochs of each run on the terminal, about."""

TRAINED, KEPT, ELSEWHERE = "trained", "kept", "elsewhere"


@dataclass(frozen=True)
class Source:
    """Where the runs of a sweep come from; the arguments of `train` that all of them share.

    Attributes:
        what: a project, a recipe, or data.
        changes: fields of the recipe.
        data_dir: the folder of named datasets.
        weights: of a backbone.
        backbone: a pretrained network or an earlier run.
        track: other tools to log to.
    """

    what: Any
    changes: Mapping[str, Any]
    data_dir: str | Path | None = None
    weights: str | Path | None = None
    backbone: str | Path | None = None
    track: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """One run, to be trained now.

    Attributes:
        unit: which one.
        settings: values of the varied fields.
        source: what all runs share.
        folder: of the sweep.
        until: the epoch, counted from 1, after which it pauses; None for the whole run.
        own: whether it belongs to this process where the file system has no locks.
        shown: whether to show progress on the terminal; else it is written to the run's log.
        quiet: whether to show nothing there.
    """

    unit: Unit
    settings: Mapping[str, Any]
    source: Source
    folder: Path
    until: int | None
    own: bool
    shown: bool
    quiet: bool


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes:
        state: `TRAINED`; `KEPT` if the run was there already; `ELSEWHERE` if another process trains it now.
        run: the name of the run's folder; None if another process has not begun it yet.
    """

    state: str
    run: str | None


def has_reached(run: RunRecord | None, until: int | None) -> bool:
    """Whether a run is finished, or has trained this epoch, counted from 1."""
    return run is not None and (run.finished or (until is not None and len(run.history) >= until))


def train_unit(task: Task) -> Outcome:
    """Train a run until it is finished or has reached the epoch of the task.

    It is idempotent: a run that is there is kept, and one that has begun continues from its newest checkpoint.

    Raises:
        GreycardError: a mistake that the user can correct.
        InterruptedRunError: a signal; the run is saved.
    """
    with claimed(task.folder, task.unit.name, otherwise=task.own) as mine:
        run = task.unit.run_in(task.folder)
        if has_reached(run, task.until):
            return Outcome(KEPT, run.name if run else None)
        if not mine:
            return Outcome(ELSEWHERE, run.name if run else None)
        configure()
        log = LateLog()
        with ExitStack() as opened:
            opened.callback(log.close)
            reporter = opened.enter_context(terminal_reporter(task.quiet, _LINES) if task.shown else log_reporter(log))
            begun = _nothing if task.shown else (lambda path: log.open(path / LOG))
            try:
                path = _new(task, reporter, begun) if run is None else _continued(task, run, reporter, begun)
            except PausedRunError as pause:
                path = pause.args[0]
        return Outcome(TRAINED, path.name)


def _nothing(_: Path) -> None:
    pass


def _new(task: Task, reporter: Reporter, begun: Callable[[Path], None]) -> Path:
    source = task.source
    changes = {**source.changes, **task.settings, "seed": task.unit.seed}
    plan = plan_training(
        source.what, None, None, source.data_dir, source.weights, source.backbone, source.track, changes
    )
    return train_plan(plan, (), task.folder, None, reporter, name=task.unit.name, pause_after=task.until, begun=begun)


def _continued(task: Task, run: RunRecord, reporter: Reporter, begun: Callable[[Path], None]) -> Path:
    from greycard.jobs.find_recipe import project_of

    begun(run.path)
    with reporter.status("starting Keras"):
        start()
    project, args = project_of(task.source.what), read_run_args(run.path)
    dataset = dataset_of(run, None, task.source.data_dir)
    model = project.model if project else None
    return resume_run(run, dataset, args, model, (), reporter, task.until)
