"""Choosing a recipe for a dataset without one: what is looked at, before `recommend` decides."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from greycard.datasets.core import Dataset
from greycard.errors import GreycardError
from greycard.locations import weights_dir
from greycard.models.weights import alpha_of, weight_files
from greycard.pipeline.augmentation import Augmentation
from greycard.recipe import Recipe
from greycard.runs.record import RunRecord
from greycard.training.recommend import Recommendation, recommend

_PREFERRED = ("MobileNetV2", "EfficientNetV2B0", "EfficientNetB0", "MobileNet", "ResNet50", "InceptionV3")
"""Networks for `train` to look for weights of, the best for its time on a CPU first."""

_TOLD_APART = {
    "name", "epochs", "seed", "target_accuracy", "target_split", "target_bound", "batch_size", "val_batch_size",
    "learning_rate", "optimizer", "precision", "val_fraction", "split_seed", "patience",
}  # fmt: skip
"""Fields that no sentence on the choice of a network is about."""


def choose_recipe(
    dataset: Dataset, *, weights: str | Path | None = None, backbone: str | Path | None = None
) -> tuple[Recipe, str]:
    """A recipe for a dataset by what is there (how many pictures, how large, which weights), and why this one."""
    if backbone is not None and Path(backbone).expanduser().is_dir():
        earlier = RunRecord(backbone)
        if earlier.recipe.is_regression:
            raise GreycardError(
                f"the earlier run {backbone} learned from numbers; there are no features to transfer",
                hint="a run that learned from pictures, or a network of keras.applications",
            )
        chosen = recommend(dataset, earlier=earlier.recipe.replace(backbone=str(earlier.path), conv=()))
    elif backbone is not None:
        chosen = recommend(dataset, asked=str(backbone), because="--backbone asked for it")
    else:
        chosen = _recommend_by_weights(dataset, weights)
    return chosen.recipe, chosen.reason


def said_of(recipe: Recipe, chosen: Recipe, reason: str) -> str:
    """What is trained, in a sentence: why it was chosen where it is what was chosen, and else what the user has set.

    Args:
        recipe: what is trained.
        chosen: what `choose_recipe` gave, before the user's changes.
        reason: why.
    """
    changed = _changed(recipe, chosen)
    if not changed:
        return reason
    asked = ", ".join(f"{name}={_shown(value)}" for name, value in changed.items())
    if changed.keys() <= _TOLD_APART:
        return f"{reason}; as you set it: {asked}"
    size = "×".join(map(str, dict.fromkeys(reversed(recipe.image_size or ()))))
    augmented = "with" if recipe.augmentation else "without"
    return f"{recipe.architecture} at {size} px {augmented} augmentation, as you set it: {asked}"


def _changed(recipe: Recipe, chosen: Recipe) -> dict[str, Any]:
    """The fields that differ, as `--set` names them."""
    before = asdict(Augmentation()) | _fields(chosen)
    return {name: value for name, value in _fields(recipe).items() if name not in before or before[name] != value}


def _fields(recipe: Recipe) -> dict[str, Any]:
    """A recipe's own fields and its augmentation's side by side; `augmentation` itself only where there is none."""
    own = asdict(recipe)
    inner = own.pop("augmentation")
    return own | ({"augmentation": None} if inner is None else inner)


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else "none" if value is None else str(value)


def _recommend_by_weights(dataset: Dataset, weights: str | Path | None) -> Recommendation:
    """Weights that were named are used; those in the weights folder only where the pictures are few."""
    if weights == "none":
        return recommend(dataset)
    if weights == "imagenet":
        return recommend(dataset, asked=_PREFERRED[0], because="--weights imagenet asked for pretrained features")
    if weights is None:
        network, alpha = _network_in(weights_dir())
        return recommend(dataset, at_hand=network, alpha=alpha)
    network, alpha = _network_in(Path(weights).expanduser())
    if network is None:
        raise GreycardError(
            f"--weights {weights} has no file whose name tells a network that is known to work on a CPU;"
            f" expected {', '.join(_PREFERRED)}, whole",
            hint="--backbone names the network, --weights none trains without",
        )
    return recommend(dataset, asked=network, because="--weights brought its pretrained weights", alpha=alpha)


def _network_in(path: Path) -> tuple[str | None, float | None]:
    """The first of the preferred networks that has a file there, and its width where that is not the full one."""
    found = {name: files for name in _PREFERRED if (files := weight_files(path, name))}
    if not found:
        return None, None
    name, files = next(iter(found.items()))
    return name, alpha_of(files[0])
