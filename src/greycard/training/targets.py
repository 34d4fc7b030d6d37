"""The targets of a recipe: smoothed, weighted and mixed labels, and the settings that do not fit the data."""

from __future__ import annotations

import numpy as np

from greycard.core.errors import GreycardError
from greycard.models.model import Model
from greycard.pipeline.mixing import Mixing
from greycard.pipeline.targets import SoftTargets, class_weights, target_table
from greycard.recipe import Recipe
from greycard.tasks.task import Task


def soft_targets(recipe: Recipe, labels: np.ndarray, classes: int) -> SoftTargets | None:
    """How the training loader makes its targets; None if it gives class numbers.

    Args:
        recipe: the resolved recipe.
        labels: int (n,), the classes of the training images; uint8 (n, classes) if an image can have several labels;
            numbers for a regression.
        classes: number of classes.
    """
    if not recipe.soft_targets:
        return None
    weights = class_weights(labels, classes) if recipe.loss.balance == "weights" else np.ones(classes)
    mixing = Mixing(recipe.mixing.mixup, recipe.mixing.cutmix) if recipe.mixing.is_on else None
    smoothing = recipe.loss.label_smoothing
    return SoftTargets(target_table(weights, smoothing), mixing, smoothing)


_OFF = {"mixup": 0.0, "cutmix": 0.0, "label_smoothing": 0.0, "balance": "none"}


def expect_classes(recipe: Recipe, task: Task, dataset: str) -> None:
    """Raise a GreycardError for a setting of the recipe that needs classes, or one class per image, and has none."""
    given = {**vars(recipe.mixing), **vars(recipe.loss)}
    if task.has_several:
        _expect_several(recipe, dataset)
    on = {name: given[name] for name, off in _OFF.items() if given[name] != off}
    if on and not task.has_classes:
        received = ", ".join(f"{name}={value}" for name, value in on.items())
        raise GreycardError(
            f"{' and '.join(on)} {'needs' if len(on) == 1 else 'need'} classes, and {dataset} has numbers as labels."
            f" Received: {received}",
            hint=" ".join(f"--set {name}={_OFF[name] or 0}" for name in on),
        )


def _expect_several(recipe: Recipe, dataset: str) -> None:
    """Raise a GreycardError for a setting that needs one class per image."""
    if recipe.loss.balance == "weights":
        raise GreycardError(
            f"balance=weights needs one class per image, and an image of {dataset} can have several labels",
            hint="--set balance=none; every label gets its own threshold, or --set balance=sampling",
        )
    if recipe.stopping.target_accuracy is not None:
        raise GreycardError(
            f"target_accuracy needs one class per image, and an image of {dataset} can have several labels",
            hint="--set target_accuracy=none",
        )


def expect_pixels_for_cutmix(recipe: Recipe, model: Model) -> None:
    """Raise a GreycardError for CutMix with a frozen backbone: it trains on feature vectors, which have no area."""
    if recipe.mixing.cutmix and model.is_frozen:
        raise GreycardError(
            "cutmix needs pixels, and the head of a frozen backbone is trained on cached features."
            f" Received: cutmix={recipe.mixing.cutmix:g}",
            hint="use --set cutmix=0 --set mixup=0.2, which mixes the features",
        )
