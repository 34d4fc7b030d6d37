"""The split of a run: if Greycard made it, near-duplicates stay on one side; the recipe records how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from greycard.audit.duplicates import FEW_ALIGNED, find_pairs, grouped
from greycard.audit.group_split import duplicate_levels, split_by_levels
from greycard.audit.thumbnails import Thumbnails, load_thumbnails
from greycard.core.errors import GreycardError
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset, SplitMethod
from greycard.datasets.selection import joined
from greycard.datasets.strata import strata
from greycard.recipe import Recipe


def settle_split(
    recipe: Recipe, dataset: Dataset, changes: Mapping[str, Any], reporter: Reporter
) -> tuple[Recipe, Dataset]:
    """The recipe with the split that the dataset has, and the dataset with near-duplicates on one side.

    Only a split that Greycard made is changed, and only if near-duplicates are on both sides.

    Args:
        recipe: its fields about the split are replaced by the split that the dataset has.
        dataset: what is trained on, before the recipe's limits.
        changes: the fields that the user set; a field that would have no effect is refused.
        reporter: shows progress, and near-duplicates if there are any.

    Raises:
        GreycardError: `changes` name another split than the dataset has.
    """
    for name in ("val_fraction", "split_seed", "group_duplicates"):
        if changes.get(name) is not None:
            _expect_used(name, changes[name], recipe, dataset)
    if _is_to_be_grouped(recipe, dataset):
        dataset = _grouped(dataset, reporter)
    return recipe.replace(**_recorded(recipe, dataset.split)), dataset


def _recorded(recipe: Recipe, made: SplitMethod) -> dict[str, Any]:
    """The recipe's fields about the split. If the data has its own, the seed only selects images for the limits."""
    if made.val_fraction is None:
        limited = recipe.data.train_limit or recipe.data.val_limit
        return {"val_fraction": None, "group_duplicates": None, "split_seed": recipe.data.split_seed if limited else 0}
    return {"val_fraction": made.val_fraction, "group_duplicates": made.grouped, "split_seed": made.seed}


def _expect_used(name: str, value: Any, recipe: Recipe, dataset: Dataset) -> None:
    """Refuse a field that would have no effect: the recipe must describe the split that was made."""
    made = dataset.split
    if name == "group_duplicates":
        used = not value or (made.val_fraction is not None and isinstance(dataset.train.images, tuple))
    else:
        used = value == _recorded(recipe, made)[name]
    if used:
        return
    if made.val_fraction is None:
        raise GreycardError(
            f"{dataset.name} has its own training and validation images: {name}={value} would have no effect",
            hint=f"leave {name} out, or make another split first: `greycard split {dataset.origin or 'FOLDER'}`",
        )
    if name == "group_duplicates":
        raise GreycardError(
            f"{dataset.name} is an array: {name}={value} would have no effect", hint=f"leave {name} out"
        )
    before = {"val_fraction": made.val_fraction, "split_seed": made.seed}[name]
    raise GreycardError(
        f"{dataset.name} was split with {name}={before}: {name}={value} would have no effect",
        hint=f"set it when you open the dataset: open_dataset(…, {name}={value})",
    )


def _is_to_be_grouped(recipe: Recipe, dataset: Dataset) -> bool:
    """True for the user's own data unless the recipe says no; a named dataset keeps its published split."""
    made = dataset.split
    if made.val_fraction is None or made.grouped or isinstance(dataset.train.images, np.ndarray):
        return False
    grouped = recipe.data.group_duplicates
    return not dataset.published if grouped is None else grouped


def _grouped(dataset: Dataset, reporter: Reporter) -> Dataset:
    """The dataset with each group of near-duplicates on one side; split again only if a group is on both."""
    count = reporter.progress("comparing images", len(dataset.train) + len(dataset.validation))
    thumbnails = load_thumbnails(dataset, lambda: count(1))
    with reporter.status("looking for near-duplicates"):
        pairs = find_pairs(thumbnails, dataset, most_aligned=FEW_ALIGNED)
    method = replace(dataset.split, grouped=True)
    if not pairs:
        return replace(dataset, split=method)
    groups, val = grouped(pairs), thumbnails.in_validation
    if _across(groups, val):
        levels = duplicate_levels(thumbnails.ids, pairs)
        assert method.val_fraction is not None
        val = split_by_levels(strata(thumbnails.labels), levels, method.val_fraction, method.seed)
    reporter.log(_message(groups, val))
    return _split_by(replace(dataset, split=method), thumbnails, val)


def _across(groups: Sequence[Sequence[int]], val: np.ndarray) -> list[Sequence[int]]:
    """The groups that are on both sides."""
    return [rows for rows in groups if len(np.unique(val[list(rows)])) > 1]


def _message(groups: Sequence[Sequence[int]], val: np.ndarray) -> str:
    apart = _across(groups, val)
    whole = [rows for rows in groups if rows not in apart]
    message = f"near-duplicates: {_images(whole)} are kept on one side of the split"
    if apart:
        message += f"; {_images(apart)} look alike and are split, because they are most of a class"
    return message


def _images(groups: Sequence[Sequence[int]]) -> str:
    return f"{sum(map(len, groups)):,} images in {len(groups):,} group{'' if len(groups) == 1 else 's'}"


def _split_by(dataset: Dataset, thumbnails: Thumbnails, val: np.ndarray) -> Dataset:
    """The dataset with this split; an image that could not be decoded keeps its side."""
    side = dict(zip(thumbnails.ids, val.tolist(), strict=True))
    whole, count = joined(dataset.train, dataset.validation), len(dataset.train)
    in_val = np.array([side.get(id, row >= count) for row, id in enumerate(whole.ids)])
    return replace(dataset, train=whole.take(np.flatnonzero(~in_val)), validation=whole.take(np.flatnonzero(in_val)))
