"""Plan the training of a project, a recipe, or data for which a recipe is chosen; train a plan in this process."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from greycard.backend import configure, start
from greycard.backend.exchange import Alone, Exchange
from greycard.core.clock import Clock
from greycard.core.errors import GreycardWarning
from greycard.core.published import Published
from greycard.core.reporter import Reporter
from greycard.core.threads import threads_for_parts
from greycard.datasets.catalog import CATALOG
from greycard.datasets.dataset import Dataset
from greycard.datasets.load import load_dataset
from greycard.datasets.open import open_dataset
from greycard.datasets.source import Source
from greycard.datasets.splits import DEFAULT_FRACTION
from greycard.jobs.choose import choose_recipe, describe_choice, recipe_for_own_model
from greycard.jobs.find_recipe import project_of
from greycard.jobs.open_run import Run
from greycard.jobs.splitting import settle_split
from greycard.models.weights import expect_backbone_weights, expect_weights
from greycard.projects import Project
from greycard.recipe import Recipe
from greycard.recipe.own_model import expect_own_model, with_own_model
from greycard.runs.author import Author
from greycard.runs.directory import expect_writable
from greycard.runs.run_args import RunArgs, options_of
from greycard.runs.trackers import expect_installed

if TYPE_CHECKING:
    from greycard.models.custom import BuildNetwork

HOW_TO_READ = ("val_fraction", "split_seed", "task")
"""Fields of a recipe that decide how data are opened."""


@dataclass(frozen=True)
class Plan:
    """What will be trained on what, before anything is decoded.

    Attributes:
        recipe: not resolved yet.
        data: where it comes from is open until the split is settled.
        args: kept in the run.
        build: builds the user's own model.
        changes: fields that the user changed.
    """

    recipe: Recipe
    data: Dataset
    args: RunArgs
    build: BuildNetwork | None
    changes: Mapping[str, Any]


def plan_training(
    what: str | Path | Project | Recipe | Dataset | Source,
    dataset: Dataset | Source | str | Path | None,
    model: BuildNetwork | None,
    data_dir: str | Path | None,
    weights: str | Path | None,
    backbone: str | Path | None,
    track: str | Sequence[str],
    changes: Mapping[str, Any],
) -> Plan:
    """What `train` trains: the arguments are those of `train`, and it raises as `train` does."""
    configure()
    expect_weights(weights)
    trackers = _tracker_names(track)
    project = project_of(what)
    build = model or (project.model if project else None)
    if project is None:
        recipe, data, reason = _chosen(what, build, data_dir, weights, backbone, changes)
    else:
        own = {} if backbone is None else {"backbone": str(backbone)}
        recipe = with_own_model(project.recipe, build).replace(**changes, **own)
        data, reason = None, None
    expect_own_model(recipe, build)
    expect_backbone_weights(recipe, weights)
    published = _published(project, recipe) if project and dataset is None else None
    data = data or data_of(recipe, dataset, data_dir)
    args = RunArgs.of(data, data_dir, weights, track=trackers, published=published, reason=reason)
    return Plan(recipe, data, replace(args, options=options_of(weights, backbone, changes)), build, changes)


def _chosen(
    what: Any,
    build: BuildNetwork | None,
    data_dir: str | Path | None,
    weights: str | Path | None,
    backbone: str | Path | None,
    changes: Mapping[str, Any],
) -> tuple[Recipe, Dataset, str | None]:
    """A recipe for data without one, the data, and why Greycard chose this recipe."""
    read = {name: changes[name] for name in HOW_TO_READ if changes.get(name) is not None}
    dataset = open_dataset(what, data_dir, **read)
    if build is not None:
        chosen = recipe_for_own_model(dataset, changes)
        own = {} if backbone is None else {"backbone": str(backbone)}
        return with_own_model(chosen, build).replace(**changes, **own), dataset, None
    chosen, because = choose_recipe(dataset, weights=weights, backbone=backbone, changes=changes)
    recipe = chosen.replace(**changes)
    return recipe, dataset, describe_choice(recipe, chosen, because)


def train_here(plan: Plan, callbacks: Sequence[object], out: str | Path, author: Author | None, quiet: bool) -> Run:
    """Train a plan as a new run in `out`, with progress on the terminal; arguments as for `train`."""
    from greycard.reports.progress import terminal_reporter

    expect_writable(out)
    with terminal_reporter(quiet) as reporter:
        return Run(train_plan(plan, callbacks, out, author, reporter))


def train_plan(
    plan: Plan,
    callbacks: Sequence[object],
    out: str | Path,
    author: Author | None,
    reporter: Reporter,
    *,
    name: str | None = None,
    pause_after: int | None = None,
    begun: Callable[[Path], None] = lambda _: None,
    exchange: Exchange | None = None,
) -> Path:
    """Train a plan as a new run in `out`, with a reporter that is open; returns its folder.

    Args:
        plan: what is trained on what.
        callbacks: as for `train`.
        out: the folder of runs.
        author: who trains it.
        reporter: shows progress.
        name: of the folder, before its number; by default the recipe's name.
        pause_after: the epoch, counted from 1, after which training pauses; None to train to the end.
        begun: called with the folder when it exists.
        exchange: with the workers that follow this one; None for a worker alone.

    Raises:
        PausedRunError: it paused after that epoch, and is saved.
    """
    recipe, data = settle_plan(plan, reporter)
    from greycard.jobs.training_run import begin_run, finish_run, opening
    from greycard.training.callbacks import callbacks_of
    from greycard.training.prepare import prepare

    clock = Clock()
    called = callbacks_of(callbacks, recipe.schedule.kind)
    _warn(data, recipe)
    setup = prepare(recipe, data, plan.args.weights, reporter, clock, plan.build)
    setup = replace(setup, exchange=exchange or Alone())
    directory = begin_run(setup, plan.args, out, name, author)
    begun(directory.path)
    reporter.log(opening(setup, directory.path))
    return finish_run(setup, directory, plan.args, called, reporter, clock, pause_after)


def settle_plan(plan: Plan, reporter: Reporter) -> tuple[Recipe, Dataset]:
    """The recipe and the data of a plan with their split, and Keras started for them."""
    _log_choices(plan, reporter)
    recipe, data = settle_split(plan.recipe, plan.data, plan.changes, reporter)
    with reporter.status("starting Keras"):
        start_for(recipe)
    return recipe, data


def start_for(recipe: Recipe) -> None:
    """Start Keras with the threads of this recipe's training."""
    start(threads_for_parts() if recipe.training.parts > 1 else None)


def _log_choices(plan: Plan, reporter: Reporter) -> None:
    """Why the recipe was chosen, and how several labels per image were read."""
    if plan.args.reason:
        reporter.log(f"recipe: {plan.args.reason}")
    if plan.data.several:
        reporter.log(f"several labels per image: {plan.data.several}")


def _warn(data: Dataset, recipe: Recipe) -> None:
    """Warn of what the data and the recipe say about themselves."""
    from greycard.training.stopping import ignored_patience

    notes = [*(recipe.augmentation.notes() if recipe.augmentation else ()), *ignored_patience(recipe)]
    for note in [*data.notes, *notes]:
        warnings.warn(note, GreycardWarning, stacklevel=5)


def data_of(recipe: Recipe, dataset: Dataset | Source | str | Path | None, data_dir: str | Path | None) -> Dataset:
    """The data to train a recipe on: `dataset`, or else the recipe's own."""
    fraction, seed = recipe.data.val_fraction or DEFAULT_FRACTION, recipe.data.split_seed
    named = recipe.data.dataset if dataset is None else dataset
    if dataset is None and named in {entry.name for entry in CATALOG}:  # even if a folder has that name
        found = load_dataset(recipe.data.dataset, data_dir, val_fraction=fraction, split_seed=seed)
        return open_dataset(found, task=recipe.data.task)
    return open_dataset(named, data_dir, val_fraction=fraction, split_seed=seed, task=recipe.data.task)


def _tracker_names(track: str | Sequence[str]) -> tuple[str, ...]:
    names = (track,) if isinstance(track, str) else tuple(track)
    expect_installed(names)
    return names


def _published(project: Project, recipe: Recipe) -> Published | None:
    """A project's published figures, unless it is trained on other data than they were measured on."""
    return project.published if project.recipe.data.dataset == recipe.data.dataset else None
