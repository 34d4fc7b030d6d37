"""The runs that were trained on one folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.evaluation.intervals import accuracy_interval
from greycard.runs.directory import ENVIRONMENT, RECIPE, is_in_training
from greycard.runs.record import RunRecord, find_runs
from greycard.runs.run_args import read_run_args
from greycard.search.record import INTERRUPTED, read_search
from greycard.studio.json_files import read_object


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
        accuracy: a fraction; None for an unfinished run.
        low: the lower end of its 95 % interval.
        high: the upper end.
        images: number of images that it was measured on.
        set_aside: whether no choice has seen these images; else they are the validation images.
        seconds: that training took.
    """

    name: str
    started: str
    architecture: str
    state: str
    can_resume: bool
    epochs: int
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    images: int | None = None
    set_aside: bool = False
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
    """True if a run was trained on this folder."""
    data = read_run_args(run).data
    return data is not None and Path(data).resolve() == root.resolve()


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
    known = RunLine(
        name=run.name,
        started=str(run.environment["started"]),
        architecture=run.recipe.architecture,
        state=state,
        can_resume=is_unfinished(run.path) and not is_in_training(run.path),
        epochs=len(run.history),
    )
    return _with_figures(known, run) if run.finished else known


def _with_figures(line: RunLine, run: RunRecord) -> RunLine:
    summary, set_aside = run.summary, read_search(run.path) is not None
    accuracy, images = summary.val_accuracy, summary.val_images
    if set_aside and summary.test_accuracy is not None and summary.test_images:
        accuracy, images = summary.test_accuracy, summary.test_images
    else:
        set_aside = False
    if accuracy is None:
        return line
    low, high = accuracy_interval(accuracy, images)
    return replace(
        line,
        accuracy=accuracy,
        low=low,
        high=high,
        images=images,
        set_aside=set_aside,
        seconds=summary.time.total_seconds,
    )
