"""The runs that were trained on one folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.datasets.manifest import TABLE_ENDINGS
from greycard.runs.directory import ENVIRONMENT, RECIPE, is_in_training
from greycard.runs.record import RunRecord, find_runs
from greycard.runs.run_args import read_run_args
from greycard.search.record import INTERRUPTED, read_search
from greycard.studio.json_files import read_object
from greycard.studio.measured import Measured, measured_of


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """One run as the table shows it.

    Attributes:
        name: of its folder.
        started: date and time, ISO 8601, UTC.
        architecture: the model in a few words.
        state: `finished`, `training` or `unfinished`.
        can_resume: whether `greycard resume` can go on.
        epochs: trained so far.
        figure: its main figure; None for an unfinished run, and for one whose training failed.
        seconds: that training took.
    """

    name: str
    started: str
    architecture: str
    state: str
    can_resume: bool
    epochs: int
    figure: Measured | None = None
    seconds: float | None = None


def runs_on(root: Path, runs: Path) -> list[RunLine]:
    """The runs that were trained on a folder, the newest first; damaged ones are left out."""
    found = []
    for run in reversed(find_runs(runs)):
        with suppress(GreycardError, OSError):
            if is_of(run, root):
                found.append(line_of(RunRecord(run)))
    return found


def is_of(run: Path, root: Path) -> bool:
    """True if a run was trained on this folder, or on a label file directly in it."""
    table, data = label_file_of(run), read_run_args(run).data
    place = table.parent if table else data and Path(data).resolve()
    return place == root.resolve()


def label_file_of(run: Path) -> Path | None:
    """The label file that a run was trained with; None if it was trained on a folder."""
    data = read_run_args(run).data
    return Path(data).resolve() if data and data.lower().endswith(TABLE_ENDINGS) else None


def is_unfinished(run: Path) -> bool:
    """True if `greycard resume` can continue a run or a search, unless a process trains it now."""
    with suppress(GreycardError, OSError):
        search = read_search(run)
        ended_early = search is not None and search.ended == INTERRUPTED
        return (run / RECIPE).is_file() and (ended_early or not RunRecord(run).finished)
    return False


def is_done(run: Path) -> bool:
    """True if a run has its figures, and was not ended before its time."""
    with suppress(GreycardError, OSError):
        search = read_search(run)
        return RunRecord(run).finished and (search is None or search.ended not in (None, INTERRUPTED))
    return False


def run_of_job(job: str, runs: Path, since: float) -> str | None:
    """The name of the run that a job has begun.

    Args:
        job: the job's id.
        runs: the folder of runs.
        since: when the job began, in seconds since 1970; older folders are not read.
    """
    for place in _changed_since(runs, since):
        if read_object(place / ENVIRONMENT).get("job") == job:
            return place.name
    return None


def _changed_since(runs: Path, since: float) -> Iterator[Path]:
    for place in runs.iterdir() if runs.is_dir() else ():
        with suppress(OSError):
            if place.is_dir() and place.stat().st_mtime >= since:
                yield place


def line_of(run: RunRecord) -> RunLine:
    """A run as the table shows it; GreycardError for a damaged one."""
    state = "finished" if run.finished else "training" if is_in_training(run.path) else "unfinished"
    return RunLine(
        name=run.name,
        started=str(run.environment["started"]),
        architecture=run.recipe.architecture,
        state=state,
        can_resume=is_unfinished(run.path) and not is_in_training(run.path),
        epochs=len(run.history),
        figure=measured_of(run.summary, set_aside=read_search(run.path) is not None) if run.finished else None,
        seconds=run.summary.time.total_seconds if run.finished else None,
    )
