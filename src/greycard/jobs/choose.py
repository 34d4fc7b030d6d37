"""Choose a recipe for a dataset: collect the facts, then `recommend` decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from greycard.backend.precision import expected_precision
from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Dataset
from greycard.models.imagenet import LITE0
from greycard.models.packaged import EXTRA, lite0_hint
from greycard.models.preferred import PREFERRED, available, imagenet_network
from greycard.pipeline.augmentation import Augmentation
from greycard.recipe import Recipe
from greycard.recipe.model import ConvNetConfig, MlpConfig, PretrainedConfig, ProbeConfig, ResNetConfig
from greycard.recipe.names import part_fields, short_name
from greycard.recipe.settings import as_setting
from greycard.runs.record import RunRecord
from greycard.training.image_kind import image_kind
from greycard.training.recommend import (
    MINUTES,
    Recommendation,
    Task,
    from_run,
    from_scratch,
    is_for_pretrained,
    probe,
    small_cnn,
    transfer,
)

_UNRELATED = {
    "name", "val_fraction", "split_seed", "group_duplicates",
    *(
        short_name(part, name)
        for part in ("optimizer", "schedule", "training", "stopping")
        for name in part_fields(part)
    ),
}  # fmt: skip
"""Fields that do not change the network or its images, so the reason for the choice stays valid."""

_PARTS_OF_TRAINING = ("augmentation", "mixing", "loss", "optimizer", "schedule")

_BY_EPOCHS = {
    *(PretrainedConfig.__dataclass_fields__.keys() - ProbeConfig.__dataclass_fields__.keys()),
    *(short_name(part, name) for part in _PARTS_OF_TRAINING for name in part_fields(part)),
    *_PARTS_OF_TRAINING, "batch_size", "epochs", "patience", "keep", "target_accuracy",
}  # fmt: skip
"""Fields for a head that is trained by epochs: with one of them the choice is such a head, not a probe."""


_WITHOUT_WEIGHTS = (MlpConfig, ConvNetConfig, ResNetConfig)
"""The families that are trained from scratch."""

FromScratch = Callable[[Task, str], Recommendation]


def choose_recipe(
    dataset: Dataset,
    *,
    weights: str | Path | None = None,
    backbone: str | Path | None = None,
    changes: Mapping[str, Any] | None = None,
) -> tuple[Recipe, str]:
    """A recipe for a dataset, by the number and kind of its images and the available weights, and the reason.

    Args:
        dataset: a dataset of images.
        weights: a file, a folder, `imagenet`, `none`, or None for the weights folder and the installed package.
        backbone: the requested network, or an earlier run's folder.
        changes: fields of the recipe that are changed afterwards; the choice respects their limits.

    Raises:
        GreycardError: an earlier run without features, weights of an unknown network, or an invalid limit.
    """
    changes = changes or {}
    task, head = _task(dataset, changes), _head(changes)
    scratch = small_cnn if _sets_layers(changes) else from_scratch
    if backbone is not None and Path(backbone).expanduser().is_dir():
        chosen = from_run(task, _earlier(backbone))
    elif backbone is not None:
        chosen = head(task, [str(backbone)], "--backbone names it")
    elif changes.get("backbones"):
        chosen = head(task, ProbeConfig(backbones=changes["backbones"]).backbones, "--set backbones names them")
    elif _names_a_network_without_weights(changes):
        chosen = scratch(task, "your settings are for such a network")
    else:
        chosen = _by_weights(task, weights, head, scratch)
    return chosen.recipe, chosen.reason


def _head(changes: Mapping[str, Any]) -> Callable[..., Recommendation]:
    """What to put on pretrained features: a probe, unless a changed field is for a head that is trained by epochs."""
    part = changes.get("fine_tune")
    if part or changes.get("backbones"):
        return partial(probe, fine_tune=part)
    return _trained_head if changes.keys() & _BY_EPOCHS else probe


def _trained_head(task: Task, networks: Sequence[str], reason: str, alpha: float | None = None) -> Recommendation:
    return transfer(task, networks[0], f"{reason}, and your settings are for a head that is trained by epochs", alpha)


def describe_choice(recipe: Recipe, chosen: Recipe, reason: str) -> str:
    """What is trained, in one sentence: the reason for the choice, or what the user has changed.

    Args:
        recipe: the recipe to train.
        chosen: the result of `choose_recipe`, before the user's changes.
        reason: why it was chosen.
    """
    changed = _changed(recipe, chosen)
    if not changed:
        return reason
    settings = ", ".join(f"{name}={as_setting(value)}" for name, value in changed.items())
    if changed.keys() <= _UNRELATED:
        return f"{reason}; your settings: {settings}"
    size = "×".join(map(str, dict.fromkeys(reversed(recipe.data.image_size or ()))))
    augmented = "with" if recipe.augmentation else "without"
    return f"{recipe.architecture} at {size} px {augmented} augmentation; your settings: {settings}"


def _changed(recipe: Recipe, chosen: Recipe) -> dict[str, Any]:
    """The fields that differ, as `--set` names them."""
    before = asdict(Augmentation()) | chosen.settings()
    return {name: value for name, value in recipe.settings().items() if name not in before or before[name] != value}


def _task(dataset: Dataset, changes: Mapping[str, Any]) -> Task:
    limits = {name: changes[name] for name in ("minutes", "train_limit", "val_limit") if name in changes}
    limited = Recipe.make(dataset.name, dataset.name, **limits)
    train_images, val_images = len(dataset.train), len(dataset.validation)
    return Task(
        dataset.name,
        min(train_images, limited.data.train_limit or train_images),
        min(val_images, limited.data.val_limit or val_images),
        image_kind(dataset),
        limited.stopping.minutes or MINUTES,
        expected_precision(),
    )


def _sets_layers(changes: Mapping[str, Any]) -> bool:
    """True if the user sets what a CNN has and the residual network has not."""
    names = {name.rpartition(".")[2] for name in changes}
    return bool(names & {"conv", "dense"}) or _kind(changes) in (ConvNetConfig.kind, MlpConfig.kind)


def _names_a_network_without_weights(changes: Mapping[str, Any]) -> bool:
    """True if the user names a family that is trained from scratch, or sets what only these have."""
    own = {name for family in _WITHOUT_WEIGHTS for name in family.__dataclass_fields__}
    own -= PretrainedConfig.__dataclass_fields__.keys()
    kinds = {family.kind for family in _WITHOUT_WEIGHTS}
    return _kind(changes) in kinds or any(changes.get(name) for name in own)


def _kind(changes: Mapping[str, Any]) -> str | None:
    """The model family that the user names."""
    return changes.get("model.kind") or getattr(changes.get("model"), "kind", None)


def _earlier(backbone: str | Path) -> Recipe:
    earlier = RunRecord(backbone)
    if not earlier.task.has_classes:
        raise GreycardError(
            f"the earlier run {backbone} was trained on numbers, so it has no features to transfer",
            hint="name a run trained on images, or a pretrained network such as EfficientNetLite0",
        )
    return earlier.recipe.replace(backbone=str(earlier.path))


def _by_weights(
    task: Task, weights: str | Path | None, head: Callable[..., Recommendation], scratch: FromScratch
) -> Recommendation:
    """Use the named weights; use those on this machine if the images suit a pretrained network."""
    if weights == "none":
        return scratch(task, "--weights none requests it")
    if weights == "imagenet":
        return head(task, [imagenet_network()], "--weights imagenet requests pretrained features")
    network = next(iter(available(weights)), None)
    if weights is None:
        if network is None or not is_for_pretrained(task.kind):
            return scratch(task, f"no pretrained weights are available ({EXTRA} brings {LITE0.name})")
        return head(task, [network.name], "its pretrained weights are available", network.alpha)
    if network is None:
        raise GreycardError(
            f"--weights {weights} has no file with the name of a network that is known to work on a CPU;"
            f" expected {', '.join(known.name for known in PREFERRED)}, whole",
            hint=f"{lite0_hint('leaving out --weights')}; --backbone names the network, --weights none trains without",
        )
    return head(task, [network.name], "--weights names its pretrained weights", network.alpha)
