"""Cross-validate: train one run for each fold, each measured on images that it was not trained on."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from greycard.audit.duplicates import FEW_ALIGNED, find_pairs
from greycard.audit.group_split import duplicate_levels, group_folds
from greycard.audit.thumbnails import load_thumbnails
from greycard.core.errors import GreycardError, command
from greycard.core.reporter import Reporter
from greycard.core.values import plain
from greycard.datasets.dataset import Dataset, Split, SplitMethod
from greycard.datasets.label_sets import class_counts
from greycard.datasets.open import open_dataset
from greycard.datasets.selection import joined, select
from greycard.datasets.source import Source
from greycard.datasets.strata import strata
from greycard.jobs.choose import choose_recipe
from greycard.jobs.find_recipe import project_of
from greycard.jobs.resume import plan_resume, resume_here
from greycard.jobs.train import data_of, plan_training, train_here
from greycard.models.weights import expect_weights
from greycard.projects import Project
from greycard.recipe import Recipe
from greycard.recipe.names import canonical
from greycard.runs.crossval import CrossValidation, is_crossval, write_plan
from greycard.runs.directory import expect_writable, new_folder
from greycard.runs.run_args import RunArgs, read_run_args
from greycard.runs.trackers import expect_installed
from greycard.training.decode import decoded_split
from greycard.training.interruption import InterruptedRunError

_NO_EFFECT = ("val_fraction", "group_duplicates")


@dataclass(frozen=True)
class _Work:
    """What all folds share.

    Attributes:
        images: all images, in the order of the plan.
        data: the dataset that they are from.
        project: the recipe, with the function that builds the user's own model.
        weights: of a backbone.
        track: other tools to log to.
    """

    images: Split
    data: Dataset
    project: Project
    weights: str | Path | None
    track: tuple[str, ...]


def crossval(
    what: str | Path | Project | Recipe | Dataset | Source,
    dataset: Dataset | Source | str | Path | None = None,
    *,
    folds: int = 5,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    out: str | Path = "runs",
    quiet: bool = False,
    track: str | Sequence[str] = (),
    **changes: Any,
) -> CrossValidation:
    """Train a recipe once for each fold; every image is predicted by a model that was not trained on it.

    Training and validation images are mixed and dealt to the folds: the same share of every class or label, or of small
    and large numbers, and near-duplicates stay in one fold. Test images are not used.

    Args:
        what: as for `train`; or the folder of an unfinished cross-validation, which is resumed.
        dataset: replaces the recipe's dataset: anything that `open_dataset` takes.
        folds: number of folds, at least 2.
        data_dir: the folder of named datasets.
        weights: of a backbone, as for `train`.
        out: the folder of runs; a new folder in it gets a run for each fold.
        quiet: True to print nothing.
        track: other tools to log to, as for `train`.
        changes: fields of the recipe, as for `train`; `split_seed` is the seed of the folds.

    Raises:
        GreycardError: a mistake that the user can correct; the hint says how.
    """
    if isinstance(what, str | Path) and is_crossval(what):
        _expect_no_changes(what, changes)
        return resume_crossval(what, dataset, data_dir=data_dir, weights=weights, quiet=quiet)
    folds, changed, track = plain(folds), canonical(changes), (track,) if isinstance(track, str) else tuple(track)
    _expect_folds(folds, changed)
    expect_installed(track)
    expect_weights(weights)
    expect_writable(out)
    project, data = _plan(what, dataset, data_dir, weights, changed)
    images, fold = _dealt(data, folds, project.recipe.data.split_seed, quiet)
    args, recipe = RunArgs.of(data, data_dir, weights, track=track), project.recipe.replace(dataset=data.name)
    folder = new_folder(out, f"{project.name}-crossval")
    plan = write_plan(folder, recipe, data.classes, images.ids, fold + 1, args)
    return _train_folds(plan, _Work(images, data, project, weights, track), quiet)


def resume_crossval(
    path: str | Path,
    dataset: Dataset | Source | str | Path | None = None,
    *,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    quiet: bool = False,
) -> CrossValidation:
    """Train the folds that are not finished; a fold that was interrupted continues from its checkpoint.

    Args:
        path: the folder of the cross-validation.
        dataset: where the images are now, if they were moved or made in Python.
        data_dir: where the folder of named datasets is now.
        weights: where the backbone's weights are now.
        quiet: True to print nothing.

    Raises:
        GreycardError: it is finished, or images are missing or have changed.
    """
    plan = CrossValidation(path)
    if plan.finished:
        raise GreycardError(f"{plan.path} is finished", hint=f"`{command('show', plan.path)}` shows it")
    args = read_run_args(plan.path)
    recorded = args.data_dir if args.data_dir and Path(args.data_dir).is_dir() else None
    found = data_of(plan.recipe, dataset if dataset is not None else args.data, data_dir or recorded)
    hint = "name their folder with --data"
    data = select(found, (plan.ids, (), ()), plan.classes, f"{plan.name} deals to its folds", hint)
    chosen = weights if weights is not None else args.weights
    return _train_folds(plan, _Work(data.train, data, Project(plan.recipe), chosen, args.track), quiet)


def _expect_no_changes(path: str | Path, changes: Mapping[str, Any]) -> None:
    if changes:
        raise GreycardError(
            f"{path} is a cross-validation with a recipe: {', '.join(changes)} would have no effect",
            hint="leave it out to resume, or start a new one",
        )


def _expect_folds(folds: int, changes: Mapping[str, Any]) -> None:
    if not isinstance(folds, int) or isinstance(folds, bool) or folds < 2:
        raise GreycardError(f"folds must be an integer of at least 2. Received: {folds!r}", hint="for example 5")
    for name in _NO_EFFECT:
        if changes.get(name) is not None:
            raise GreycardError(
                f"a cross-validation makes its own folds: {name}={changes[name]} would have no effect",
                hint="use --folds for their number, and --set split_seed=… for another deal",
            )


def _plan(
    what: Any,
    dataset: Dataset | Source | str | Path | None,
    data_dir: str | Path | None,
    weights: str | Path | None,
    changes: Mapping[str, Any],
) -> tuple[Project, Dataset]:
    """The project and its data; for data alone, Greycard chooses the recipe."""
    project = project_of(what)
    if project is None:
        data = open_dataset(what, data_dir, task=changes.get("task"))
        project = Project(choose_recipe(data, weights=weights, changes=changes)[0])
    else:
        data = data_of(project.recipe.replace(**changes), dataset, data_dir)
    if not data.has_images:
        raise GreycardError(
            f"{data.name} has numbers as inputs; a cross-validation needs images",
            hint=f"`{command('run', project.name)}` trains on it",
        )
    return replace(project, recipe=project.recipe.replace(**changes)), data


def _dealt(data: Dataset, folds: int, seed: int, quiet: bool) -> tuple[Split, np.ndarray]:
    """All training and validation images, and the fold of each, counted from 0."""
    from greycard.reports.progress import terminal_reporter

    images = joined(data.train, data.validation)
    _expect_enough(data, images, folds)
    with terminal_reporter(quiet) as reporter:
        advance = reporter.progress("comparing images", len(images))
        thumbnails = load_thumbnails(replace(data, test=None), lambda: advance(1))
        with reporter.status("looking for near-duplicates"):
            pairs = find_pairs(thumbnails, data, most_aligned=FEW_ALIGNED)
    row_of = {id: row for row, id in enumerate(thumbnails.ids)}
    levels = [_groups(images, row_of, groups) for groups in duplicate_levels(thumbnails.ids, pairs)]
    return images, group_folds(strata(images.labels), levels, folds, seed)


def _expect_enough(data: Dataset, images: Split, folds: int) -> None:
    """Raise GreycardError unless each fold can get an image of each class or label, or two numbers."""
    if not data.classes:
        if len(images) < 2 * folds:
            raise GreycardError(
                f"{data.name} has {len(images)} images; {folds} folds need at least {2 * folds}",
                hint="add images, or use fewer folds (--folds)",
            )
        return
    counts = class_counts(images.labels, len(data.classes))
    if counts.min() < folds:
        name, count = data.classes[int(counts.argmin())], int(counts.min())
        kind, images_text = "label" if data.has_several_labels else "class", f"{count} image{'' if count == 1 else 's'}"
        raise GreycardError(
            f"{kind} {name!r} has {images_text}; {folds} folds need at least {folds}",
            hint="add images, or use fewer folds (--folds)" if count > 1 else "add images",
        )


def _groups(images: Split, row_of: Mapping[str, int], groups: np.ndarray) -> np.ndarray:
    """The group of each image; one that could not be decoded is alone."""
    return np.array([groups[row_of[id]] if id in row_of else -1 - row for row, id in enumerate(images.ids)])


def _train_folds(plan: CrossValidation, work: _Work, quiet: bool) -> CrossValidation:
    from greycard.reports.progress import terminal_reporter

    with terminal_reporter(quiet) as reporter:
        reporter.log(f"{plan.path}: {plan.count} folds of {plan.recipe.architecture}, {len(work.images):,} images")
    try:
        for number in range(1, plan.count + 1):
            run = plan.run_of(number)
            if run is None or not run.finished:
                _train_fold(plan, work, number, quiet)
    except KeyboardInterrupt as stop:
        done = f"{len(plan.runs)} of {plan.count} folds are finished"
        raise InterruptedRunError(plan.path, done, getattr(stop, "number", signal.SIGINT)) from stop
    return plan


def _train_fold(plan: CrossValidation, work: _Work, number: int, quiet: bool) -> None:
    from greycard.reports.progress import terminal_reporter

    sides = [work.images.take(np.flatnonzero(rows)) for rows in (plan.fold != number, plan.fold == number)]
    data = replace(
        work.data, train=sides[0], validation=sides[1], test=None, split=SplitMethod(), notes=(), published=False
    )
    with terminal_reporter(quiet) as reporter:
        reporter.log(f"fold {number} of {plan.count}")
        _share_decoded(plan.recipe, work.images, sides, reporter)
    earlier = plan.run_of(number)
    if earlier is not None:
        resume_here(plan_resume(earlier, data, work.project.model, None, None, work.weights, None), (), quiet)
        return
    project = replace(work.project, recipe=plan.recipe_of(number))
    train_here(plan_training(project, data, None, None, work.weights, None, work.track, {}), (), plan.path, None, quiet)


def _share_decoded(recipe: Recipe, images: Split, sides: Sequence[Split], reporter: Reporter) -> None:
    """Decode all images once; each fold's images are then copied in the cache, not decoded again."""
    if isinstance(images.images, np.ndarray):
        return
    whole = decoded_split(recipe, images, "all", reporter)
    for side in sides:
        decoded_split(recipe, side, "the fold's", reporter, whole)
