"""Choose a recipe for a dataset: collect the facts, then `recommend` decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from greycard.backend.precision import expected_precision
from greycard.core.errors import GreycardError
from greycard.core.paths import weights_dir
from greycard.datasets.dataset import Dataset
from greycard.models.imagenet import LITE0
from greycard.models.packaged import EXTRA, lite0_hint
from greycard.models.preferred import PREFERRED, available, imagenet_network
from greycard.pipeline.augmentation import Augmentation
from greycard.recipe import Recipe
from greycard.recipe.families import family_fields
from greycard.recipe.model import FAMILIES, ConvNetConfig, MlpConfig, PretrainedConfig, ProbeConfig, ResNetConfig
from greycard.recipe.names import by_field, part_fields, short_name
from greycard.recipe.settings import as_setting
from greycard.recipe.unread import unread_fields
from greycard.runs.record import RunRecord
from greycard.training.image_kind import image_kind
from greycard.training.recommend import (
    MINUTES,
    Recommendation,
    Task,
    from_random,
    from_run,
    from_scratch,
    is_for_pretrained,
    own_model,
    probe,
    small_cnn,
    transfer,
)
from greycard.training.scratch import prediction_for

_UNRELATED = {
    "name", "val_fraction", "split_seed", "group_duplicates",
    *(
        short_name(part, name)
        for part in ("mixing", "loss", "optimizer", "schedule", "training", "stopping")
        for name in part_fields(part)
    ),
}  # fmt: skip
"""Fields that do not change the network or its images, so the reason for the choice stays valid."""

_BY_EPOCHS = {
    *(PretrainedConfig.__dataclass_fields__.keys() - ProbeConfig.__dataclass_fields__.keys()),
    *unread_fields(ProbeConfig(backbones=(LITE0.name,))),
    *("optimizer", "schedule", "augmentation"),
}
"""Fields for a head that is trained by epochs: with one of them the choice is such a head, not a probe."""

_FROM_SCRATCH = {ResNetConfig.kind: from_scratch, ConvNetConfig.kind: small_cnn, MlpConfig.kind: small_cnn}

Head = Callable[..., Recommendation]


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
        changes: fields of the recipe that are changed afterwards; the choice is of the family that they ask for, and
            respects their limits.

    Raises:
        GreycardError: an earlier run without features, weights of an unknown network, no weights for what the changes
            ask for, or an invalid limit.
    """
    changes = by_field(changes or {})
    task, family = _task(dataset, changes), _family(changes)
    backbone = changes.get("backbone") if backbone is None else backbone
    if weights == "none":
        _expect_no_need(changes, backbone)
    if backbone is not None and Path(backbone).expanduser().is_dir():
        _expect_frozen(changes, backbone)
        chosen = from_run(task, _earlier(backbone))
    elif backbone is not None and weights == "none":
        chosen = from_random(task, str(backbone), "--backbone names it, --weights none requests it")
    elif backbone is not None:
        chosen = _head(changes)(task, [str(backbone)], "--backbone names it")
    elif changes.get("backbones"):
        networks = ProbeConfig(backbones=changes["backbones"]).backbones
        chosen = _head(changes)(task, networks, "--set backbones names them")
    elif family in _FROM_SCRATCH:
        chosen = _FROM_SCRATCH[family](task, "your settings are for this network")
    else:
        chosen = _by_weights(task, weights, changes)
    return _as_augmented(chosen.recipe, changes), chosen.reason


def _as_augmented(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """The residual network's prediction follows the augmentation that the user changes."""
    given = {name: changes[name] for name in ("augmentation", *part_fields("augmentation")) if name in changes}
    if not given or not isinstance(recipe.model, ResNetConfig):
        return recipe
    return recipe.replace(prediction=prediction_for(recipe.replace(**given).augmentation))


def recipe_for_own_model(dataset: Dataset, changes: Mapping[str, Any]) -> Recipe:
    """A recipe for a model that the user's function builds; it replaces the recipe's model.

    Raises:
        GreycardError: an invalid limit.
    """
    return own_model(_task(dataset, by_field(changes)))


def _family(changes: Mapping[str, Any]) -> str | None:
    """The model family that the user asks for, by its name or by a field that no other family has."""
    if changes.get("model.kind"):
        return str(changes["model.kind"])
    given = [name for name, value in changes.items() if value]
    owners = ([kind for kind in FAMILIES if name in family_fields(kind)] for name in given)
    return next((kinds[0] for kinds in owners if len(kinds) == 1), None)


def _head(changes: Mapping[str, Any]) -> Head:
    """What to put on pretrained features: a probe, unless a changed field is for a head that is trained by epochs."""
    part, kind = changes.get("fine_tune"), changes.get("model.kind")
    if part or changes.get("backbones") or kind == ProbeConfig.kind:
        return partial(probe, fine_tune=part)
    given = {name for name, value in changes.items() if value}  # what turns something off needs no epochs
    return _trained_head if kind == PretrainedConfig.kind or given & _BY_EPOCHS else probe


def _trained_head(task: Task, networks: Sequence[str], reason: str, alpha: float | None = None) -> Recommendation:
    return transfer(task, networks[0], f"{reason}, and your settings are for a head that is trained by epochs", alpha)


def _needs_weights(changes: Mapping[str, Any]) -> str | None:
    """The user's setting that only a model with pretrained weights has, or None."""
    if _family(changes) not in (PretrainedConfig.kind, ProbeConfig.kind):
        return None
    owned = [name for kind in (ProbeConfig.kind, PretrainedConfig.kind) for name in family_fields(kind)]
    name = next(name for name in ("model.kind", *owned) if changes.get(name))
    return f"{name}={as_setting(changes[name])}"


def _expect_frozen(changes: Mapping[str, Any], run: str | Path) -> None:
    """Raise a GreycardError if the network of an earlier run is to be fine-tuned."""
    if changes.get("fine_tune"):
        raise GreycardError(
            f"only a pretrained network can be fine-tuned, not that of the earlier run {run}",
            hint=f"--backbone {LITE0.name}, or leave out --fine-tune to train a head on the run's frozen features",
        )


def _expect_no_need(changes: Mapping[str, Any], backbone: str | Path | None) -> None:
    """Raise a GreycardError if the changes need pretrained weights, and the user wants none."""
    needs, named = _needs_weights(changes), changes.get("backbones") or (backbone or (),)
    is_probe = _family(changes) == ProbeConfig.kind
    runs = all(each and Path(each).expanduser().is_dir() for each in named)  # an earlier run has weights
    if needs and not runs and (is_probe or backbone is None):
        raise GreycardError(
            f"{needs} needs pretrained weights. Received: --weights none",
            hint=f"leave out --weights none, or in place of {needs.partition('=')[0]} use --backbone"
            f" {named[0] or LITE0.name}, which --weights none trains from random weights",
        )


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


def _earlier(backbone: str | Path) -> Recipe:
    earlier = RunRecord(backbone)
    if not earlier.recipe.data.has_images:
        raise GreycardError(
            f"the earlier run {backbone} was trained on numbers, so it has no features to transfer",
            hint="name a run trained on images, or a pretrained network such as EfficientNetLite0",
        )
    return earlier.recipe.replace(backbone=str(earlier.path))


def _by_weights(task: Task, weights: str | Path | None, changes: Mapping[str, Any]) -> Recommendation:
    """Use the named weights; use those on this machine if the images suit a pretrained network, or the user asks."""
    head, scratch = _head(changes), small_cnn if changes.get("dense") else from_scratch
    if weights == "none":
        return scratch(task, "--weights none requests it")
    if weights == "imagenet":
        return head(task, [imagenet_network()], "--weights imagenet requests pretrained features")
    network, needs = next(iter(available(weights)), None), _needs_weights(changes)
    if weights is None and network and (needs or is_for_pretrained(task.kind)):
        return head(task, [network.name], "its pretrained weights are available", network.alpha)
    if weights is None and needs:
        raise GreycardError(
            f"{needs} needs pretrained weights, and there are none in {weights_dir()}",
            hint=f"`{EXTRA}` brings {LITE0.name}; --weights PATH uses a file or a folder",
        )
    if weights is None:
        return scratch(task, f"no pretrained weights are available ({EXTRA} brings {LITE0.name})")
    if network is None:
        raise GreycardError(
            f"--weights {weights} has no file with the name of a network that is known to work on a CPU;"
            f" expected {', '.join(known.name for known in PREFERRED)}, whole",
            hint=f"{lite0_hint('leaving out --weights')}; --backbone names the network, --weights none trains without",
        )
    return head(task, [network.name], "--weights names its pretrained weights", network.alpha)
