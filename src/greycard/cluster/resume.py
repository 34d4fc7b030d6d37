"""Continue a run: in this process, or with several workers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from greycard.backend import configure
from greycard.cluster.group import resume_group
from greycard.cluster.where import HERE
from greycard.cluster.workers import ask_workers
from greycard.core.errors import GreycardError, command
from greycard.datasets.dataset import Dataset
from greycard.datasets.source import Source
from greycard.jobs.open_run import Run
from greycard.jobs.resume import plan_resume, resume_here, run_args_now
from greycard.models.weights import expect_weights
from greycard.runs.crossval import is_crossval
from greycard.runs.record import RunRecord
from greycard.search.record import is_search

if TYPE_CHECKING:
    from greycard.models.custom import BuildNetwork


def resume(
    run: str | Path | RunRecord,
    dataset: Dataset | Source | str | Path | None = None,
    *,
    model: BuildNetwork | None = None,
    callbacks: Sequence[object] = (),
    data: str | Path | None = None,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    track: str | Sequence[str] | None = None,
    quiet: bool = False,
    workers: int | None = None,
    on: str = HERE,
) -> Run:
    """Resume an unfinished run or search, and return it finished: the same numbers as without the interruption.

    Args:
        run: its folder.
        dataset: the dataset of the run, if it was made in Python.
        model: the function that builds the model, if the run trains your own Keras model.
        callbacks: as for `train`; their own state is not restored.
        data: where the data is now, if it has moved.
        data_dir: where the folder of named datasets is now, if it has moved.
        weights: where the backbone's weights are now, if they have moved.
        track: other tools to log to, instead of those of the run.
        quiet: True to print nothing.
        workers: how many share each batch, at most as many as the run has parts; None to train in this process.
        on: where they are, as for `train`.

    Raises:
        GreycardError: the run is finished, another process trains it, or its data has changed.
    """
    group, record = ask_workers(workers, on, callbacks), RunRecord(run)
    if is_search(record.path):
        expect_one_run(record.path, workers)
        return _resumed_search(record, dataset or data, data_dir, weights, quiet)
    plan = plan_resume(record, dataset, model, data, data_dir, weights, track)
    if group is None:
        return resume_here(plan, callbacks, quiet)
    return resume_group(plan, group, quiet)


def expect_one_run(path: Path, workers: int | None) -> None:
    """Raise a GreycardError if workers would have to share a search or a cross-validation."""
    if workers not in (None, 1) and (is_crossval(path) or is_search(path)):
        raise GreycardError(
            f"{path} has several runs, and workers share one run",
            hint=f"`{command('resume', path)}` continues it with one worker",
        )


def _resumed_search(
    run: RunRecord,
    data: Dataset | Source | str | Path | None,
    data_dir: str | Path | None,
    weights: str | Path | None,
    quiet: bool,
) -> Run:
    configure()
    from greycard.jobs.search import resume_search

    expect_weights(weights)
    named = data if isinstance(data, str | Path) else None
    return resume_search(run, data, data_dir, run_args_now(run, named, data_dir, weights, None), quiet)
