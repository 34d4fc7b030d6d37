"""Train: a project, a recipe, or data for which a recipe is chosen."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from greycard.backend import configure, start
from greycard.core.errors import GreycardError, GreycardWarning
from greycard.core.paths import data_dir as named_data_dir
from greycard.core.published import Published
from greycard.core.reporter import Reporter
from greycard.datasets.catalog import CATALOG
from greycard.datasets.dataset import Dataset
from greycard.datasets.load import load_dataset
from greycard.datasets.open import open_dataset
from greycard.datasets.source import Source, is_source
from greycard.datasets.splits import DEFAULT_FRACTION
from greycard.jobs.choose import choose_recipe, said_of
from greycard.jobs.open_run import Run
from greycard.jobs.splitting import settle_split
from greycard.models.weights import expect_backbone_weights, expect_weights
from greycard.projects import Project, find_project, projects
from greycard.recipe import Recipe
from greycard.recipe.model import CustomConfig
from greycard.recipe.names import canonical
from greycard.runs.directory import expect_writable
from greycard.runs.run_args import RunArgs, absolute_path
from greycard.runs.trackers import expect_installed

if TYPE_CHECKING:
    from greycard.models.custom import BuildNetwork


def train(
    what: str | Path | Project | Recipe | Dataset | Source,
    dataset: Dataset | Source | str | Path | None = None,
    *,
    model: BuildNetwork | None = None,
    callbacks: Sequence[object] = (),
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
        what: a project or its name, a recipe or its file (`recipe.yaml`); or anything that `open_dataset` takes, for
            which a recipe is chosen.
        dataset: replaces the recipe's dataset: anything that `open_dataset` takes.
        model: a function that builds your own Keras model, called with (height, width, channels) and the number of
            classes; the model takes pixels from 0 to 255 and returns probabilities.
        callbacks: `keras.callbacks.Callback` objects, and functions that are called with the `Epoch` after each epoch.
        data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.
        weights: of a backbone: a file, a folder, `imagenet`, `none`, or None for the weights folder.
        backbone: a `keras.applications` network or an earlier run's folder to transfer from.
        out: the folder of runs; the run gets a new folder in it.
        quiet: True to print nothing.
        track: other tools to log to: `tensorboard`, `mlflow`.
        changes: fields of the recipe, such as `epochs=5`, `rotation_range=20` or `**{"model.kind": "convnet"}`.

    Raises:
        GreycardError: a mistake that the user can correct; the hint says how.
    """
    from greycard.reports.progress import terminal_reporter

    configure()
    expect_weights(weights)
    trackers = _tracker_names(track)
    changes = canonical(changes)
    recipe, data, reason = _recipe_and_data(what, dataset, model, data_dir, weights, backbone, changes)
    published = _published(what, recipe) if isinstance(what, str | Project) and dataset is None else None
    args = _run_args(data, data_dir, weights, trackers, published, reason)
    expect_writable(out)
    with terminal_reporter(quiet) as reporter:
        if reason:
            reporter.log(f"recipe: {reason}")
        recipe, data = settle_split(recipe, data, changes, reporter)
        with reporter.status("starting Keras"):
            start()
        return Run(_train(recipe, data, args, model, callbacks, out, reporter))


def _train(
    recipe: Recipe,
    data: Dataset,
    args: RunArgs,
    model: BuildNetwork | None,
    callbacks: Sequence[object],
    out: str | Path,
    reporter: Reporter,
) -> Path:
    from greycard.core.clock import Clock
    from greycard.jobs.training_run import begin_run, finish_run, opening
    from greycard.training.callbacks import callbacks_of
    from greycard.training.prepare import prepare

    clock = Clock()
    called = callbacks_of(callbacks)
    for note in [*data.notes, *(recipe.augmentation.notes() if recipe.augmentation else ())]:
        warnings.warn(note, GreycardWarning, stacklevel=3)
    setup = prepare(recipe, data, args.weights, reporter, clock, model)
    directory = begin_run(setup, args, out)
    reporter.log(opening(setup, directory.path))
    return finish_run(setup, directory, args, called, reporter, clock)


def _recipe_and_data(
    what: str | Path | Project | Recipe | Dataset | Source,
    dataset: Dataset | Source | str | Path | None,
    model: BuildNetwork | None,
    data_dir: str | Path | None,
    weights: str | Path | None,
    backbone: str | Path | None,
    changes: Mapping[str, Any],
) -> tuple[Recipe, Dataset, str | None]:
    """What to train on what; and, if Greycard chose the recipe, why."""
    recipe, reason = _recipe(what), None
    if recipe is None:
        split = {name: changes[name] for name in ("val_fraction", "split_seed") if changes.get(name) is not None}
        dataset = open_dataset(what, data_dir, **split)  # type: ignore[arg-type]
        known = "none" if model else weights
        chosen, because = choose_recipe(dataset, weights=known, backbone=backbone, changes=changes)
        recipe = _with_model(chosen, model).replace(**changes)
        reason = None if model else said_of(recipe, chosen, because)
    else:
        own = {"backbone": str(backbone)} if backbone is not None else {}
        recipe = _with_model(recipe, model).replace(**changes, **own)
    expect_backbone_weights(recipe, weights)
    return recipe, _data(recipe, dataset, data_dir), reason


def _with_model(recipe: Recipe, build: BuildNetwork | None) -> Recipe:
    if build is None:
        return recipe
    if not callable(build) or isinstance(build, type):
        raise GreycardError(
            f"model is a function that builds a Keras model. Received: {build!r}",
            hint="def build(shape, classes): return keras.Sequential([keras.Input(shape), …])",
        )
    name = getattr(build, "__qualname__", type(build).__qualname__)
    return replace(recipe, model=CustomConfig(function=f"{build.__module__}.{name}"))


def _data(recipe: Recipe, dataset: Dataset | Source | str | Path | None, data_dir: str | Path | None) -> Dataset:
    fraction, seed = recipe.data.val_fraction or DEFAULT_FRACTION, recipe.data.split_seed
    named = recipe.data.dataset if dataset is None else dataset
    if dataset is None and named in {entry.name for entry in CATALOG}:  # even if a folder has that name
        return load_dataset(recipe.data.dataset, data_dir, val_fraction=fraction, split_seed=seed)
    return open_dataset(named, data_dir, val_fraction=fraction, split_seed=seed)


def _run_args(
    data: Dataset,
    data_dir: str | Path | None,
    weights: str | Path | None,
    trackers: tuple[str, ...],
    published: Published | None,
    reason: str | None,
) -> RunArgs:
    return RunArgs(
        data=absolute_path(data.origin),
        folder=absolute_path("."),
        data_dir=absolute_path(named_data_dir(data_dir)),
        weights=absolute_path(weights),
        track=trackers,
        published=published,
        reason=reason,
    )


def _tracker_names(track: str | Sequence[str]) -> tuple[str, ...]:
    names = (track,) if isinstance(track, str) else tuple(track)
    expect_installed(names)
    return names


def find_recipe(name: str | Path) -> Recipe:
    """A project's recipe by its name, or the recipe in a file.

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
