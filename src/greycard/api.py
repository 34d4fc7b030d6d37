"""The Python API: the same commands as on the command line, as functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from greycard.backend import start
from greycard.cluster.resume import resume
from greycard.cluster.sweep import sweep
from greycard.cluster.train import train
from greycard.core.errors import GreycardError, GreycardWarning
from greycard.core.values import plain
from greycard.datasets.dataset import Dataset
from greycard.datasets.folders import load_folder
from greycard.datasets.load import load_dataset
from greycard.datasets.manifest import load_manifest
from greycard.datasets.open import open_dataset, survey_dataset
from greycard.datasets.source import Source
from greycard.datasets.survey import Survey
from greycard.jobs.crossval import crossval
from greycard.jobs.embed import embed
from greycard.jobs.find_lr import find_lr
from greycard.jobs.open_run import Run
from greycard.jobs.search import search
from greycard.models.weights import expect_weights
from greycard.pipeline.augmentation import Augmentation
from greycard.projects import Project, find_project, projects
from greycard.recipe import Recipe
from greycard.reports.columns import Row
from greycard.reports.joined import joined_rows
from greycard.reports.rows import row_of
from greycard.reports.table import Table, make_table
from greycard.runs.author import author_of
from greycard.runs.compare import Comparison, compare_runs
from greycard.runs.compare_labels import LabelComparison, compare_labels
from greycard.runs.compare_numbers import NumberComparison, compare_numbers
from greycard.runs.record import RunRecord, find_runs
from greycard.runs.shared import shared_runs

if TYPE_CHECKING:
    from greycard.audit.check import Report
    from greycard.audit.thumbnails import Thumbnails
    from greycard.jobs.split import NewSplit


def project(name: str) -> Recipe:
    """A project's recipe by its name, such as `mnist-cnn`; change it with `.replace(epochs=5)`."""
    return find_project(name).recipe


def open_run(path: str | Path) -> Run:
    """Open a run directory, finished or not; raises a GreycardError if it is not one."""
    return Run(path)


def check(
    dataset: Dataset | Survey | Source | str | Path, *, weights: str | Path | None = None, quiet: bool = False
) -> tuple[Report, Thumbnails]:
    """Check the images and labels of a dataset; returns a report and the thumbnails it is based on.

    Args:
        dataset: anything that `open_dataset` takes, even if it is not trainable; or a `Survey`.
        weights: find label errors by a pretrained network's features, not by pixels: a file, a folder, or `imagenet`.
        quiet: True to print nothing.

    Raises:
        GreycardError: the dataset has no images, or the weights are invalid.
    """
    from greycard.jobs.check import check_dataset
    from greycard.reports.progress import terminal_reporter

    expect_weights(weights)
    found = dataset if isinstance(dataset, Survey) else survey_dataset(dataset)
    with terminal_reporter(quiet) as shown:
        return check_dataset(found, weights=weights, reporter=shown)


def split(
    dataset: Dataset | Source | str | Path,
    *,
    val_fraction: float = 0.2,
    seed: int = 0,
    group_by: str | None = None,
    quarantine: bool = False,
    quiet: bool = False,
) -> NewSplit:
    """A new split of a dataset of files; equal and nearly equal images stay in one split.

    Args:
        dataset: of image files: anything that `open_dataset` takes.
        val_fraction: of each class for validation.
        seed: another seed, another split.
        group_by: a regular expression; images with the same match in their ids stay together.
        quarantine: True to leave out nearly empty images, and equal images with different labels.
        quiet: show no progress.

    Raises:
        GreycardError: the dataset has no image files, or the groups cannot be split.
    """
    from greycard.jobs.split import split_dataset
    from greycard.reports.progress import terminal_reporter

    found, fraction, number = open_dataset(dataset), plain(val_fraction), plain(seed)
    with terminal_reporter(quiet) as shown:
        return split_dataset(
            found, val_fraction=fraction, seed=number, group_by=group_by, quarantine=quarantine, reporter=shown
        )


def compare(
    *runs: str | Path | RunRecord | Iterable[str | Path | RunRecord],
) -> Comparison | NumberComparison | LabelComparison:
    """Compare two or more runs on their common validation images; the seeds of one recipe form one group.

    Args:
        runs: run directories or runs, as separate arguments or as a list.

    Raises:
        GreycardError: the runs cannot be compared.
    """
    records = [run for each in runs for run in _records(each)]
    if any(run.target for run in records):
        return compare_numbers(records)
    return compare_labels(records) if any(run.task.has_several for run in records) else compare_runs(records)


def serve(
    runs: str | Path | RunRecord | Iterable[str | Path | RunRecord],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    refuse: float | str | None = "default",
    on_ready: Callable[[str], None] = print,
) -> None:
    """Serve finished runs with a web page and a JSON API, until SIGINT or SIGTERM; in a notebook, until interrupted.

    Args:
        runs: the runs, or their folders; or one.
        host: the address to listen on; `0.0.0.0` lets other machines in.
        port: 0 takes any free one.
        token: a word that the API asks for.
        refuse: at most this share of own images is refused, as for `Run.predict`.
        on_ready: called with the page's address when the server is ready.

    Raises:
        GreycardError: a run cannot predict, or the address or port is not available.
    """
    _expect_server()
    opened = [run if isinstance(run, Run) else Run(run) for run in _records(runs)]
    if not opened:
        raise GreycardError("serving needs at least one run. Received: none", hint="`greycard table` lists the runs")
    start()
    from greycard.deploy.serve.models import make_ready
    from greycard.deploy.serve.server import serve as serve_models

    serve_models(make_ready([(run, run.classifier) for run in opened], refuse), host, port, token, on_ready)


def studio(
    folder: str | Path,
    *,
    runs: str | Path = "runs",
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    phone: str | None = None,
    author: str | None = None,
    lesson: str | None = None,
    on_ready: Callable[[str], None] = print,
) -> None:
    """Show a page to collect, label, check and train on the images of a folder, until SIGINT or SIGTERM.

    Args:
        folder: a folder with a folder of images for each class, or an empty or new one.
        runs: the folder of runs.
        host: the address to listen on; any but this machine's own needs a token.
        port: 0 takes any free one.
        token: a word that the page's requests need.
        phone: an address of this machine in its network, at which phones can open the page, too; needs a token.
        author: the name of who trains, shown in tables.
        lesson: shown at the side: its number, its name, or a project that it trains.
        on_ready: called with the page's address when the server is ready.

    Raises:
        GreycardError: the folder cannot be used, another server shows it, there is no such lesson, or the address or
            port is not available.
    """
    _expect_server("segno", "markdown_it")
    from greycard.deploy.serve.server import expect_address, run_app
    from greycard.studio.app import make_app
    from greycard.studio.context import Context
    from greycard.studio.images.folder import ImageFolder
    from greycard.studio.lessons.lessons import find_lesson
    from greycard.studio.server_lock import only_server

    expect_address(host, port, token)
    _expect_token(token, (host, phone))
    by, opened = author_of(author), find_lesson(lesson) if lesson else None
    root, out = Path(folder).absolute(), Path(runs).absolute()
    with only_server(root):
        context = Context(ImageFolder(root), out, author=by.name if by else None, lesson=opened)
        make = partial(make_app, context, token=token, phone=phone)
        run_app(lambda hosts: make(hosts=hosts), host, port, on_ready, context.limits, phone)


def _expect_token(token: str | None, addresses: Iterable[str | None]) -> None:
    """The page can change files, so whoever reaches it from another machine must know a token."""
    from greycard.deploy.serve.network import is_local

    outside = next((each for each in addresses if each is not None and not is_local(each)), None)
    if outside is not None and not token:
        raise GreycardError(
            f"everyone who can reach {outside} could change these images", hint="choose a word: --token WORD"
        )


def _expect_server(*more: str) -> None:
    needed = ("starlette", "uvicorn", "multipart", "prometheus_client", *more)
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise GreycardError(f"serving needs {' and '.join(missing)}", hint='pip install "greycard[serve]"')


def runs_table(
    runs: str | Path | RunRecord | Iterable[str | Path | RunRecord] | None = None, *, out: str | Path = "runs"
) -> Table:
    """The table of runs: one line for each run, with the published figures in brackets.

    Args:
        runs: one or more runs, run directories, or folders in which many people have runs; None for all readable runs
            in `out`.
        out: the folder of runs.
    """
    if runs is None:
        return make_table(_readable(find_runs(out)))
    rows: list[Row] = []
    for each in _one_by_one(runs):
        shared = [] if isinstance(each, RunRecord) else shared_runs(each)
        rows += joined_rows(shared) if shared else [row_of(RunRecord(each))]
    return Table(rows)


def _one_by_one(runs: str | Path | RunRecord | Iterable[str | Path | RunRecord]) -> Iterable[str | Path | RunRecord]:
    """What the argument names: one or several."""
    several = isinstance(runs, Iterable) and not isinstance(runs, str | Path | RunRecord)
    return runs if several else [runs]  # type: ignore[return-value, list-item]


def _records(runs: str | Path | RunRecord | Iterable[str | Path | RunRecord]) -> list[RunRecord]:
    return [run if isinstance(run, RunRecord) else RunRecord(run) for run in _one_by_one(runs)]


def _readable(paths: Iterable[Path]) -> Iterator[RunRecord]:
    """The readable runs; a damaged run is reported and does not hide the others."""
    for path in paths:
        try:
            run = RunRecord(path)
            make_table([run])
        except GreycardError as error:
            warnings.warn(f"{path.name} is left out of the table: {error.args[0]}", GreycardWarning, stacklevel=3)
        else:
            yield run


__all__ = [
    "Augmentation",
    "Dataset",
    "GreycardError",
    "Project",
    "Recipe",
    "Run",
    "Source",
    "Table",
    "check",
    "compare",
    "crossval",
    "embed",
    "find_lr",
    "load_dataset",
    "load_folder",
    "load_manifest",
    "open_dataset",
    "open_run",
    "project",
    "projects",
    "resume",
    "runs_table",
    "search",
    "serve",
    "split",
    "sweep",
    "train",
]
