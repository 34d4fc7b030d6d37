"""The Python API: what the command line does, as functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from greycard.datasets.core import Dataset
from greycard.datasets.folders import load_folder
from greycard.datasets.load import load_dataset
from greycard.datasets.manifest import load_manifest
from greycard.errors import GreycardError, GreycardWarning
from greycard.projects import find_project, projects
from greycard.recipe import Recipe
from greycard.reports.table import Table, make_table
from greycard.run import Run
from greycard.runs.compare import Comparison, compare_runs
from greycard.runs.origin import Origin, as_place, read_origin
from greycard.runs.record import RunRecord, find_runs
from greycard.workflow.choose import choose_recipe
from greycard.workflow.data import whole_dataset_of

if TYPE_CHECKING:
    from greycard.doctor.check import Report
    from greycard.doctor.looks import Looks
    from greycard.workflow.split import NewSplit


def project(name: str) -> Recipe:
    """A project's recipe by its name, such as `mnist-cnn`; change it with `.replace(epochs=5)`."""
    return find_project(name).recipe


def train(
    what: str | Recipe | Dataset,
    dataset: Dataset | None = None,
    *,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    backbone: str | Path | None = None,
    out: str | Path = "runs",
    quiet: bool = False,
    track: Sequence[str] = (),
    **changes: Any,
) -> Run:
    """Train, and return the finished run.

    Args:
        what: a project's name, a recipe, or a dataset (`load_folder(…)`) for which a recipe is chosen.
        dataset: what to train on instead of the recipe's own dataset.
        data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.
        weights: of a backbone: a file, a folder, `imagenet`, `none`, or None for the weights folder.
        backbone: a `keras.applications` network or an earlier run's folder to transfer from.
        out: the folder of runs; the run gets its own in it.
        quiet: show nothing.
        track: other tools to tell of every epoch, of `tensorboard` and `mlflow`.
        changes: fields of the recipe, such as `epochs=5` or `rotation_range=20`.

    Raises:
        GreycardError: a mistake that can be mended, with a hint of how.
    """
    from greycard.backend import configure
    from greycard.reports.progress import display

    configure()
    reason = None
    if isinstance(what, Dataset):
        recipe, reason = choose_recipe(what, weights=weights, backbone=backbone)
        dataset = what
    else:
        recipe = find_project(what).recipe if isinstance(what, str) else what
        changes |= {"backbone": str(backbone)} if backbone is not None else {}
    recipe = recipe.replace(**changes)
    _expect_weights(weights, recipe)
    data = dataset or load_dataset(
        recipe.dataset, data_dir, val_fraction=recipe.val_fraction, split_seed=recipe.split_seed
    )
    origin = Origin(
        data=as_place(data.origin),
        folder=as_place("."),
        data_dir=as_place(data_dir),
        weights=as_place(weights),
        track=tuple(track),
        published=_published(what, recipe) if isinstance(what, str) and dataset is None else None,
        reason=reason,
    )
    with display(quiet) as shown:
        if reason:
            shown.says(f"recipe: {reason}")
        with shown.waiting("starting Keras"):
            _start()
            from greycard.workflow.run import run
        return Run(run(recipe, data, origin, out=out, display=shown))


def resume(
    run: str | Path | RunRecord,
    dataset: Dataset | None = None,
    *,
    data: str | Path | None = None,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    track: Sequence[str] | None = None,
    quiet: bool = False,
) -> Run:
    """Go on with an unfinished run, and return it finished: number for number as if it had not been ended.

    Args:
        run: its folder.
        dataset: what it was trained on, where that came from no file.
        data: the folder or manifest it was trained on, where it lies elsewhere now.
        data_dir: likewise the folder of named datasets.
        weights: likewise its backbone's weights.
        track: other tools to tell than it was begun with.
        quiet: show nothing.

    Raises:
        GreycardError: it is finished, in training, or its data is no longer what it was.
    """
    from greycard.backend import configure
    from greycard.reports.progress import display

    configure()
    record = run if isinstance(run, RunRecord) else RunRecord(run)
    record.expect_unfinished()
    asked = read_origin(record.path)
    origin = replace(
        asked,
        data=as_place(data) or asked.data,
        data_dir=as_place(data_dir) or asked.data_dir,
        weights=as_place(weights) or asked.weights,
        track=asked.track if track is None else tuple(track),
    )
    found = dataset or whole_dataset_of(record, origin.data, origin.data_dir)
    with display(quiet) as shown:
        with shown.waiting("starting Keras"):
            _start()
            from greycard.workflow.run import resume
        return Run(resume(record, found, origin, shown))


def _expect_weights(weights: str | Path | None, recipe: Recipe) -> None:
    """A mistyped path must not be ignored where no weights are needed; a backbone says what it misses by itself."""
    named = weights is not None and str(weights) not in ("imagenet", "none")
    if named and recipe.backbone is None and not Path(str(weights)).expanduser().exists():
        raise GreycardError(
            f"--weights must be a file, a folder, imagenet or none. Received: {weights}, which does not exist",
            hint="check the path; this recipe itself needs no weights",
        )


def _published(name: str, recipe: Recipe) -> dict[str, Any] | None:
    """A project's published figures, unless it is trained on other data than they were measured on."""
    found = find_project(name)
    same = found.recipe.dataset == recipe.dataset
    return found.published.to_json() if found.published and same else None


def open_run(path: str | Path) -> Run:
    """A run by its folder, finished or not; GreycardError if it is none."""
    return Run(path)


def check(dataset: Dataset, *, weights: str | Path | None = None, quiet: bool = False) -> tuple[Report, Looks]:
    """What is wrong with a dataset's pictures and labels, and the small pictures it was found by.

    Args:
        dataset: from `load_folder` or `load_dataset`.
        weights: judge labels by a pretrained network's features, not by pixels: a file, a folder, or `imagenet`.
        quiet: show no progress.

    Raises:
        GreycardError: the dataset holds no pictures; weights that are none.
    """
    from greycard.reports.progress import display
    from greycard.workflow.check import check_dataset

    with display(quiet) as shown:
        return check_dataset(dataset, weights=weights, display=shown)


def split(
    dataset: Dataset,
    *,
    val_fraction: float = 0.2,
    seed: int = 0,
    group_by: str | None = None,
    quarantine: bool = False,
    quiet: bool = False,
) -> NewSplit:
    """Both parts of a dataset of files mixed and split anew, equal and nearly equal pictures on the same side.

    Args:
        dataset: from `load_folder`.
        val_fraction: of each class for validation.
        seed: another seed, another split.
        group_by: a regular expression; pictures whose ids match alike stay together.
        quarantine: leave out what shows hardly anything, and equal pictures with different labels.
        quiet: show no progress.

    Raises:
        GreycardError: arrays, or groups that cannot be dealt.
    """
    from greycard.reports.progress import display
    from greycard.workflow.split import split_dataset

    with display(quiet) as shown:
        return split_dataset(
            dataset, val_fraction=val_fraction, seed=seed, group_by=group_by, quarantine=quarantine, display=shown
        )


def compare(*runs: str | Path | RunRecord) -> Comparison:
    """Two runs or more on the validation images they share; the seeds of one recipe count as one.

    Raises:
        GreycardError: runs that cannot be compared, with the reason.
    """
    return compare_runs([run if isinstance(run, RunRecord) else RunRecord(run) for run in runs])


def serve(
    runs: Iterable[str | Path | Run],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    on_ready: Callable[[str], None] = print,
) -> None:
    """Answer for finished runs on a web page and a JSON API, until SIGINT or SIGTERM.

    Args:
        runs: the runs, or their folders.
        host: the address to listen on; `0.0.0.0` lets other machines in.
        port: 0 takes any free one.
        token: a word that the API asks for.
        on_ready: told the page's address, once it answers.

    Raises:
        GreycardError: a run that cannot answer, an address or port that cannot be had.
    """
    missing = [name for name in ("starlette", "uvicorn", "multipart", "prometheus_client") if find_spec(name) is None]
    if missing:
        raise GreycardError(f"serving needs {' and '.join(missing)}", hint='pip install "greycard[serve]"')
    opened = [run if isinstance(run, Run) else Run(run) for run in runs]
    _start()
    from greycard.deploy.serve.models import make_ready
    from greycard.deploy.serve.server import serve as serve_models

    serve_models(make_ready([(run, run.classifier) for run in opened]), host, port, token, on_ready)


def runs_table(
    runs: str | Path | RunRecord | Iterable[str | Path | RunRecord] | None = None, *, out: str | Path = "runs"
) -> Table:
    """The table of runs, a line each, published figures beside ours.

    Args:
        runs: their folders, or one; all runs in `out` that can be read if None.
        out: the folder of runs.
    """
    if runs is None:
        return make_table(_readable(find_runs(out)))
    chosen = [runs] if isinstance(runs, str | Path | RunRecord) else runs
    return make_table([run if isinstance(run, RunRecord) else RunRecord(run) for run in chosen])


def _readable(paths: Iterable[Path]) -> Iterator[RunRecord]:
    """The runs whose files can be read; a damaged one is told of and does not hide the others."""
    for path in paths:
        try:
            run = RunRecord(path)
            make_table([run])
        except GreycardError as error:
            warnings.warn(f"{path.name} is left out of the table: {error.args[0]}", GreycardWarning, stacklevel=3)
        else:
            yield run


def _start() -> None:
    from greycard.backend import start

    start()


__all__ = [
    "Dataset",
    "GreycardError",
    "Recipe",
    "Run",
    "Table",
    "check",
    "compare",
    "load_dataset",
    "load_folder",
    "load_manifest",
    "open_run",
    "project",
    "projects",
    "resume",
    "runs_table",
    "serve",
    "split",
    "train",
]
