"""What a sweep trains: the recipe of every combination, by the choices that `greycard train` makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from greycard.cluster.units import Source
from greycard.core.errors import GreycardError
from greycard.core.values import plain
from greycard.datasets.dataset import Dataset
from greycard.datasets.open import find_path, open_dataset
from greycard.jobs.find_recipe import project_of
from greycard.jobs.train import plan_training
from greycard.models.weights import expect_backbone_weights, expect_weights
from greycard.recipe import Recipe
from greycard.recipe.model import ProbeConfig
from greycard.recipe.names import canonical
from greycard.recipe.own_model import with_own_model
from greycard.recipe.settings import as_setting
from greycard.recipe.vary import checked_seeds, combinations, varied_fields
from greycard.runs.run_args import absolute_path
from greycard.runs.sweep_plan import Plan, Variation
from greycard.runs.trackers import expect_installed

_OPENED = ("val_fraction", "split_seed", "task")
"""The settings that decide how data are opened."""


@dataclass(frozen=True)
class Course:
    """A sweep's plan, and what training needs besides.

    Attributes:
        plan: of the sweep.
        source: what all runs share, with absolute paths, because other machines have other working folders.
        settings: the values of each variation, by its label.
    """

    plan: Plan
    source: Source
    settings: Mapping[str, Mapping[str, Any]]


def make_course(
    source: Source, vary: Mapping[str, Sequence[Any]], seeds: Iterable[int] | None, halve_from: int | None
) -> Course:
    """The plan of a sweep.

    Args:
        source: what all runs share.
        vary: the values of each varied field.
        seeds: None for the recipe's own.
        halve_from: the epoch of the first rung; None for no halving.

    Raises:
        GreycardError: a field, a value or a seed is invalid, there is only one run, or halving is not possible.
    """
    changes = canonical(source.changes)
    if "seed" in changes:
        raise GreycardError(
            f"a sweep takes its seeds in a list, not seed={changes['seed']}", hint=f"--seeds {changes['seed']}"
        )
    expect_weights(source.weights)
    expect_installed(source.track)
    varied = varied_fields(vary, changes)
    given = None if seeds is None else checked_seeds(seeds)
    source = _absolute(replace(source, changes=changes))
    every = combinations(varied)
    recipes = _recipes(source, every)
    chosen = given or (recipes[0].training.seed,)
    variations = tuple(_variation(each, recipe, chosen[0]) for each, recipe in zip(every, recipes, strict=True))
    rungs = _rungs(halve_from, recipes, variations)
    settings = dict(zip((each.label for each in variations), every, strict=True))
    return Course(Plan(recipes[0].name, variations, chosen, rungs), source, settings)


def _variation(settings: Mapping[str, Any], recipe: Recipe, seed: int) -> Variation:
    return Variation({name: as_setting(value) for name, value in settings.items()}, recipe.replace(seed=seed))


def _recipes(source: Source, every: Sequence[Mapping[str, Any]]) -> list[Recipe]:
    """The recipe of each combination; data is opened once for each split."""
    project = project_of(source.what)
    if project is not None:
        own = {} if source.backbone is None else {"backbone": str(source.backbone)}
        base = with_own_model(project.recipe, project.model).replace(**source.changes, **own)
        recipes = [base.replace(**each) for each in every]
        for recipe in recipes:
            expect_backbone_weights(recipe, source.weights)
        return recipes
    opened: dict[tuple[Any, ...], Dataset] = {}
    found = []
    for each in every:
        changes = {**source.changes, **each}
        asked = {name: changes[name] for name in _OPENED if changes.get(name) is not None}
        key = tuple(asked.items())
        if key not in opened:
            opened[key] = open_dataset(source.what, source.data_dir, **asked)
        found.append(_planned(source, opened[key], changes))
    return found


def _planned(source: Source, data: Dataset, changes: Mapping[str, Any]) -> Recipe:
    plan = plan_training(data, None, None, source.data_dir, source.weights, source.backbone, source.track, changes)
    return plan.recipe


def _absolute(source: Source) -> Source:
    what = source.what
    if isinstance(what, str | Path) and project_of(what) is None:
        what = find_path(what, source.data_dir).absolute()
    elif isinstance(what, str | Path) and Path(what).is_file():
        what = Path(what).absolute()
    weights, data_dir = absolute_path(source.weights), absolute_path(source.data_dir)
    earlier = source.backbone is not None and Path(source.backbone).expanduser().is_dir()
    backbone = absolute_path(source.backbone) if earlier else source.backbone
    return replace(source, what=what, data_dir=data_dir, weights=weights, backbone=backbone)


def _rungs(halve_from: int | None, recipes: Sequence[Recipe], variations: Sequence[Variation]) -> tuple[int, ...]:
    """The epochs after which the better half continues."""
    if halve_from is None:
        return ()
    first = plain(halve_from)
    if isinstance(first, bool) or not isinstance(first, int) or first < 1:
        raise GreycardError(f"halving begins after an epoch from 1 on. Received: {first!r}", hint="--halve-from 2")
    if len(variations) < 2:
        raise GreycardError(
            "halving needs two or more combinations; only the seed varies", hint="--vary learning_rate=0.003,0.001"
        )
    planned = {_epochs(recipe) for recipe in recipes}
    if len(planned) > 1:
        raise GreycardError(
            f"halving compares runs after equal epochs; these have {', '.join(map(str, sorted(planned)))} epochs",
            hint="--epochs sets one number for all, or leave out --halve-from",
        )
    epochs = planned.pop()
    if first >= epochs:
        raise GreycardError(
            f"halving after epoch {first} needs more than {first} epoch{'' if first == 1 else 's'}; the recipe has"
            f" {epochs}",
            hint=f"--halve-from 1 up to {epochs - 1}, or more --epochs" if epochs > 1 else "leave out --halve-from",
        )
    found = [first]
    while 2 * found[-1] < epochs and 2 ** len(found) < len(variations):
        found.append(2 * found[-1])
    return tuple(found)


def _epochs(recipe: Recipe) -> int:
    """A probe without fine-tuning has one epoch, its fit."""
    if isinstance(recipe.model, ProbeConfig) and not recipe.model.fine_tune:
        return 1
    return recipe.training.epochs
