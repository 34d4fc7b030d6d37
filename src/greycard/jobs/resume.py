"""Resume: continue an unfinished run from its newest checkpoint."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from greycard import backend
from greycard.backend import configure
from greycard.backend.exchange import Alone, Exchange
from greycard.core.errors import GreycardError, GreycardWarning
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset
from greycard.datasets.source import Source
from greycard.jobs.data import dataset_of
from greycard.jobs.open_run import Run
from greycard.jobs.train import start_for
from greycard.models.weights import expect_weights
from greycard.recipe.own_model import expect_own_model
from greycard.runs.directory import RUN_ARGS, RunDirectory
from greycard.runs.environment import environment
from greycard.runs.record import RunRecord
from greycard.runs.run_args import RunArgs, absolute_path, read_run_args
from greycard.runs.trackers import expect_installed

if TYPE_CHECKING:
    from greycard.models.custom import BuildNetwork

_VERSIONS = ("greycard", "keras", "backend", "backend_version", "numpy", "machine", "device")


@dataclass(frozen=True)
class ResumePlan:
    """What is continued.

    Attributes:
        path: the run's folder.
        dataset: its images.
        args: its arguments now.
        build: builds the user's own model.
    """

    path: Path
    dataset: Dataset
    args: RunArgs
    build: BuildNetwork | None


def plan_resume(
    run: RunRecord,
    dataset: Dataset | Source | str | Path | None,
    model: BuildNetwork | None,
    data: str | Path | None,
    data_dir: str | Path | None,
    weights: str | Path | None,
    track: str | Sequence[str] | None,
) -> ResumePlan:
    """What `resume` continues: the arguments are those of `resume`, and it raises as `resume` does."""
    configure()
    run.expect_unfinished()
    expect_own_model(run.recipe, model)
    expect_weights(weights)
    named = dataset if isinstance(dataset, str | Path) else data
    args = run_args_now(run, named, data_dir, weights, track)
    expect_installed(args.track)
    return ResumePlan(run.path, dataset_of(run, dataset or data, data_dir), args, model)


def resume_here(plan: ResumePlan, callbacks: Sequence[object], quiet: bool) -> Run:
    """Continue a run, with progress on the terminal; arguments as for `resume`."""
    from greycard.reports.progress import terminal_reporter

    run = RunRecord(plan.path)
    with terminal_reporter(quiet) as reporter:
        with reporter.status("starting Keras"):
            start_for(run.recipe)
        return Run(resume_run(run, plan.dataset, plan.args, plan.build, callbacks, reporter))


def resume_run(
    run: RunRecord,
    dataset: Dataset,
    args: RunArgs,
    model: BuildNetwork | None,
    callbacks: Sequence[object],
    reporter: Reporter,
    pause_after: int | None = None,
    exchange: Exchange | None = None,
) -> Path:
    """Continue a run on its images, with a reporter that is open; returns its folder. Arguments as for `train_plan`.

    Raises:
        PausedRunError: it has trained the epoch `pause_after`, counted from 1, and is saved.
    """
    from greycard.core.clock import Clock
    from greycard.jobs.training_run import finish_run, opening
    from greycard.training.callbacks import callbacks_of
    from greycard.training.checkpoint import checkpoints
    from greycard.training.prepare import prepare

    clock = Clock()
    called = callbacks_of(callbacks, run.recipe.schedule.kind)
    directory = RunDirectory(run.path)
    try:
        directory.write_json(RUN_ARGS, args.to_json())
        _expect_backbone(run, args)
        named = replace(dataset, name=run.recipe.data.dataset)
        setup = prepare(run.recipe, named, args.weights, reporter, clock, model)
        setup = replace(setup, exchange=exchange or Alone())
        _warn_other_versions(run)
        reporter.log(opening(setup, directory.path))
        if not checkpoints(directory.checkpoints):
            reporter.log("no checkpoint found; starting from the beginning")
    except BaseException:
        directory.release()
        raise
    return finish_run(setup, directory, args, called, reporter, clock, pause_after)


def run_args_now(
    run: RunRecord,
    data: str | Path | None,
    data_dir: str | Path | None,
    weights: str | Path | None,
    track: str | Sequence[str] | None,
) -> RunArgs:
    """The run's arguments, replaced by those that are given now."""
    before = read_run_args(run.path)
    return replace(
        before,
        data=absolute_path(data) or before.data,
        data_dir=absolute_path(data_dir) or before.data_dir,
        weights=absolute_path(weights) or before.weights,
        track=before.track if track is None else (track,) if isinstance(track, str) else tuple(track),
    )


def _expect_backbone(run: RunRecord, args: RunArgs) -> None:
    """Raise a GreycardError if the backbone is a relative path from another folder, where this run was started."""
    from greycard.models.pretrained import is_run

    for name in (each.backbone for each in run.recipe.backbones):
        if not args.folder or is_run(name) or not is_run(str(Path(args.folder, name))):
            continue
        raise GreycardError(f"{run.path} transfers from {name}, which is not here", hint=f"resume it in {args.folder}")


def _warn_other_versions(run: RunRecord) -> None:
    now = environment(backend.describe())
    before = run.environment
    other = [f"{name} {before.get(name)}, now {now[name]}" for name in _VERSIONS if before.get(name) != now[name]]
    if other:
        warnings.warn(
            f"{run.name} began with {'; '.join(other)}: the last digits may differ from a run without interruption",
            GreycardWarning,
            stacklevel=3,
        )
