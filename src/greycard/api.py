"""The Python API: the same commands as on the command line, as functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from greycard.backend import start
from greycard.cluster.check.data import check
from greycard.cluster.embed import embed_shards
from greycard.cluster.predict import predict_shards
from greycard.cluster.resume import resume
from greycard.cluster.sweep import sweep
from greycard.cluster.train import train
from greycard.core.errors import GreycardError
from greycard.core.values import plain
from greycard.datasets.dataset import Dataset
from greycard.datasets.folders import load_folder
from greycard.datasets.load import load_dataset
from greycard.datasets.manifest import load_manifest
from greycard.datasets.open import open_dataset
from greycard.datasets.source import Source
from greycard.jobs.crossval import crossval
from greycard.jobs.embed import embed
from greycard.jobs.find_lr import find_lr
from greycard.jobs.open_run import Run
from greycard.jobs.search import search
from greycard.pipeline.augmentation import Augmentation
from greycard.projects import Project, find_project, projects
from greycard.recipe import Recipe
from greycard.reports.runs_table import one_by_one, runs_table
from greycard.reports.table import Table
from greycard.runs.author import author_of
from greycard.runs.compare import Comparison, compare_runs
from greycard.runs.compare_labels import LabelComparison, compare_labels
from greycard.runs.compare_numbers import NumberComparison, compare_numbers
from greycard.runs.record import RunRecord

if TYPE_CHECKING:
    from greycard.jobs.split import NewSplit


def project(name: str) -> Recipe:
    """A project's recipe by its name, such as `mnist-cnn`; change it with `.replace(epochs=5)`."""
    return find_project(name).recipe


def open_run(path: str | Path) -> Run:
    """Open a run directory, finished or not; raises a GreycardError if it is not one."""
    return Run(path)


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


def _records(runs: str | Path | RunRecord | Iterable[str | Path | RunRecord]) -> list[RunRecord]:
    return [run if isinstance(run, RunRecord) else RunRecord(run) for run in one_by_one(runs)]


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
    "embed_shards",
    "find_lr",
    "load_dataset",
    "load_folder",
    "load_manifest",
    "open_dataset",
    "open_run",
    "predict_shards",
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
