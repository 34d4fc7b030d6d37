"""Train or resume one run, in this process or with several workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from greycard.cli import options

if TYPE_CHECKING:
    from greycard.jobs.open_run import Run
    from greycard.models.custom import BuildNetwork
    from greycard.runs.record import RunRecord


def train_with(
    what: Any,
    workers: int,
    where: str,
    backbone: str | None,
    author: str | None,
    data_dir: str | None,
    asked: options.Training,
) -> Run:
    """Train one run, and return it finished."""
    from greycard.api import train
    from greycard.cluster.group import train_group

    shared: dict[str, Any] = {
        "data_dir": data_dir,
        "weights": asked.weights,
        "backbone": backbone,
        "out": asked.out,
        "quiet": asked.quiet,
        "track": asked.track,
        "author": author,
    }
    if _alone(workers, where):
        return train(what, **shared, **asked.changes)
    return train_group(what, workers=workers, on=where, changes=asked.changes, **shared)


def resume_with(
    run: RunRecord,
    model: BuildNetwork | None,
    workers: int,
    where: str,
    data_dir: str | None,
    asked: options.Training,
) -> Run:
    """Continue an unfinished run, and return it finished."""
    from greycard.api import resume
    from greycard.cluster.group import resume_group

    shared: dict[str, Any] = {
        "model": model,
        "data_dir": data_dir,
        "weights": asked.weights,
        "track": asked.track or None,
        "quiet": asked.quiet,
    }
    return resume(run, **shared) if _alone(workers, where) else resume_group(run, workers=workers, on=where, **shared)


def _alone(workers: int, where: str) -> bool:
    return workers == 1 and where == "here"
