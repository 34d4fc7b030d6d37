"""Training, and going on with it: the two verbs of the Python API that make a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from greycard.backend import configure, start
from greycard.core.errors import GreycardError
from greycard.core.paths import data_dir as named_data_dir
from greycard.core.published import Published
from greycard.datasets.catalog import CATALOG
from greycard.datasets.dataset import Dataset
from greycard.datasets.load import load_dataset
from greycard.datasets.open import open_dataset
from greycard.datasets.source import Source, is_source
from greycard.datasets.splits import DEFAULT_FRACTION
from greycard.jobs.choose import choose_recipe, said_of
from greycard.jobs.data import dataset_of
from greycard.jobs.splitting import settle_split
from greycard.models.weights import expect_backbone_weights, expect_weights
from greycard.projects import Project, find_project, projects
from greycard.recipe import Recipe
from greycard.recipe.names import canonical
from greycard.run import Run
from greycard.runs.record import RunRecord
from greycard.runs.run_args import RunArgs, absolute_path, read_run_args


def train(
    what: str | Path | Project | Recipe | Dataset | Source,
    dataset: Dataset | Source | str | Path | None = None,
    *,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    backbone: str | Path | None = None,
    out: str | Path = "runs",
    quiet: bool = False,
    track: str | Sequence[str] = (),
    **changes: Any,
) -> Run:
    """Train, and return the finished run.

    Args:
        what: a project or its name, a recipe or its file (`recipe.yaml`); or data that `open_dataset` takes (a folder,
            a label file, an archive, Parquet files, a `Source`, a dataset), for which a recipe is chosen.
        dataset: what to train on instead of the recipe's own dataset: anything that `open_dataset` takes.
        data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.
        weights: of a backbone: a file, a folder, `imagenet`, `none`, or None for the weights folder.
        backbone: a `keras.applications` network or an earlier run's folder to transfer from.
        out: the folder of runs; the run gets its own in it.
        quiet: show nothing.
        track: other tools to tell of every epoch, of `tensorboard` and `mlflow`.
        changes: fields of the recipe, such as `epochs=5`, `rotation_range=20` or `**{"model.kind": "convnet"}`.

    Raises:
        GreycardError: a mistake that can be mended, with a hint of how.
    """

    from greycard.reports.progress import terminal_reporter

    configure()
    expect_weights(weights)
    changes = canonical(changes)
    recipe, reason = _recipe(what), None
    if recipe is None:
        split = {name: changes[name] for name in ("val_fraction", "split_seed") if changes.get(name) is not None}
        dataset = open_dataset(what, data_dir, **split)  # type: ignore[arg-type]
        chosen, because = choose_recipe(dataset, weights=weights, backbone=backbone, changes=changes)
        recipe = chosen.replace(**changes)
        reason = said_of(recipe, chosen, because)
    else:
        recipe = recipe.replace(**changes, **({"backbone": str(backbone)} if backbone is not None else {}))
    expect_backbone_weights(recipe, weights)
    fraction, seed = recipe.data.val_fraction or DEFAULT_FRACTION, recipe.data.split_seed
    named = recipe.data.dataset if dataset is None else dataset
    if dataset is None and named in {entry.name for entry in CATALOG}:  # even beside a folder of that name
        data = load_dataset(recipe.data.dataset, data_dir, val_fraction=fraction, split_seed=seed)
    else:
        data = open_dataset(named, data_dir, val_fraction=fraction, split_seed=seed)
    origin = RunArgs(
        data=absolute_path(data.origin),
        folder=absolute_path("."),
        data_dir=absolute_path(named_data_dir(data_dir)),
        weights=absolute_path(weights),
        track=(track,) if isinstance(track, str) else tuple(track),
        published=_published(what, recipe) if isinstance(what, str | Project) and dataset is None else None,
        reason=reason,
    )
    with terminal_reporter(quiet) as shown:
        if reason:
            shown.log(f"recipe: {reason}")
        recipe, data = settle_split(recipe, data, changes, shown)
        with shown.status("starting Keras"):
            start()
            from greycard.jobs.run import run
        return Run(run(recipe, data, origin, out=out, reporter=shown))


def resume(
    run: str | Path | RunRecord,
    dataset: Dataset | Source | str | Path | None = None,
    *,
    data: str | Path | None = None,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    track: str | Sequence[str] | None = None,
    quiet: bool = False,
) -> Run:
    """Go on with an unfinished run, and return it finished: number for number as if it had not been ended.

    Args:
        run: its folder.
        dataset: what it was trained on, where that came from no file.
        data: the folder or file it was trained on, where it lies elsewhere now.
        data_dir: likewise the folder of named datasets.
        weights: likewise its backbone's weights.
        track: other tools to tell than it was begun with.
        quiet: show nothing.

    Raises:
        GreycardError: it is finished, in training, or its data is no longer what it was.
    """

    from greycard.reports.progress import terminal_reporter

    configure()
    record = run if isinstance(run, RunRecord) else RunRecord(run)
    record.expect_unfinished()
    expect_weights(weights)
    if isinstance(dataset, str | Path):
        data, dataset = dataset, None
    asked = read_run_args(record.path)
    origin = replace(
        asked,
        data=absolute_path(data) or asked.data,
        data_dir=absolute_path(data_dir) or asked.data_dir,
        weights=absolute_path(weights) or asked.weights,
        track=asked.track if track is None else (track,) if isinstance(track, str) else tuple(track),
    )
    found = dataset_of(record, dataset or data, data_dir)
    with terminal_reporter(quiet) as shown:
        with shown.status("starting Keras"):
            start()
            from greycard.jobs.run import resume
        return Run(resume(record, found, origin, shown))


def find_recipe(name: str | Path) -> Recipe:
    """A project's recipe by its name, or the one in a file.

    Raises:
        GreycardError: no such project or file, or one that holds no recipe.
    """
    return Recipe.load(name) if _is_recipe_file(name) else find_project(str(name)).recipe


def _recipe(what: object) -> Recipe | None:
    """The recipe itself, a project's or a file's; None for what names data."""
    if isinstance(what, Recipe):
        return what
    if isinstance(what, Project):
        return what.recipe
    if isinstance(what, str | Path) and _is_recipe_file(what):
        return Recipe.load(what)
    if isinstance(what, str) and (what in {project.name for project in projects()} or not Path(what).exists()):
        return find_project(what).recipe
    if isinstance(what, str | Path | Dataset) or is_source(what):
        return None
    raise GreycardError(
        "train takes a project's name, a recipe or its file, a dataset, a source, or the path of a folder or file of"
        f" images. Received: {type(what).__name__}",
        hint="for example train('digits-cnn'), or train('pets')",
    )


def _is_recipe_file(what: str | Path) -> bool:
    return Path(what).suffix.lower() in (".yaml", ".yml", ".json") and not Path(what).is_dir()


def _published(what: str | Project, recipe: Recipe) -> Published | None:
    """A project's published figures, unless it is trained on other data than they were measured on."""
    if isinstance(what, str) and _is_recipe_file(what):
        return None
    found = find_project(what) if isinstance(what, str) else what
    same = found.recipe.data.dataset == recipe.data.dataset
    return found.published if same else None
