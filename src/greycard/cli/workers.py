"""Train or resume one run, in this process or with several workers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from greycard.cli import options

if TYPE_CHECKING:
    from greycard.jobs.open_run import Run
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


def resume_with(run: Path | RunRecord, workers: int, where: str, **arguments: Any) -> Run:
    """Continue an unfinished run, and return it finished; the other arguments are those of `resume`."""
    from greycard.api import resume
    from greycard.cluster.group import resume_group

    if _alone(workers, where):
        return resume(run, **arguments)
    return resume_group(run, workers=workers, on=where, **arguments)


def _alone(workers: int, where: str) -> bool:
    return workers == 1 and where == "here"
