"""Recommend a recipe for a dataset that has none, with the reason in a sentence.

benchmarks/rules.py compares each rule with its alternative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from greycard.models.preferred import CORES, Preferred, known
from greycard.pipeline.augmentation import Augmentation
from greycard.recipe import Recipe
from greycard.training.image_kind import ImageKind
from greycard.training.scratch import SMALL_PIXELS, augmentation_for, plan

MINUTES = 10.0
"""The default time limit of a recommended recipe, in minutes."""

FEW_IMAGES = 2_000
"""With fewer training images, a smaller CNN and smaller batches: more steps from fewer images."""

LEAST_PIXELS = 12
"""From this short side in pixels on, a pretrained network on enlarged colour images is better than a new network."""

SMALLER = (160, 128)
"""Image sizes in pixels for a pretrained network if its own size takes too long."""

FEATURES_SHARE = 0.5
"""The features of a pretrained network may take this fraction of the time."""

_UNKNOWN = Preferred("", 224, 0.081)
"""The cost of an unknown network: as slow as ResNet50."""


_RANDOM_PASSES = 30
"""Training from random weights should have time for 10 epochs, each as long as three computations of the features."""

TUNING_EPOCHS = 5
"""Epochs of fine-tuning, after the one that fits the probe."""

TUNING_RATE = 1e-4
"""Adam's learning rate for fine-tuning the last layer; earlier layers have smaller ones."""

_TUNED = {None: "", "last": ", then its last block is fine-tuned", "all": ", then all of its layers are fine-tuned"}


@dataclass(frozen=True)
class Recommendation:
    """A recipe, and a sentence that says what was chosen and why."""

    recipe: Recipe
    reason: str


@dataclass(frozen=True)
class Task:
    """The facts that decide a recipe.

    Attributes:
        name: the dataset's.
        train_images: number of training images.
        val_images: number of validation images.
        kind: the kind of the images.
        minutes: the time limit of training.
        precision: of training, bfloat16 or float32, as far as it is known before Keras starts.
    """

    name: str
    train_images: int
    val_images: int
    kind: ImageKind
    minutes: float = MINUTES
    precision: str = "float32"

    @property
    def base(self) -> Recipe:
        """The common part of every recommended recipe: early stopping, a time limit, and the best epoch's weights."""
        return Recipe.make(self.name, self.name, keep="best", minutes=self.minutes, epochs=100, patience=10)


def from_scratch(task: Task, reason: str) -> Recommendation:
    """The residual network from scratch with augmentation; without augmentation it overfits at any size.

    Args:
        task: the facts about the dataset.
        reason: why no pretrained network is used.
    """
    planned = plan(task.train_images, task.kind, task.minutes, task.precision)
    channels = 1 if task.kind.grey else 3
    recipe = task.base.replace(channels=channels, **planned.settings(task.train_images))
    return Recommendation(
        recipe,
        f"{planned.model.architecture} from scratch at {planned.pixels} px {_augmented(planned.augmentation)}:"
        f" {_why_from_scratch(task.kind, reason)}",
    )


def own_model(task: Task) -> Recipe:
    """For a network of the user's own: Adam at its usual rate suits most of them, and a plateau ends the training.

    The images, batches and augmentation are those of `from_scratch`; the recipe's model is to be replaced.

    Args:
        task: the facts about the dataset.
    """
    planned = plan(task.train_images, task.kind, task.minutes, task.precision).settings(task.train_images)
    images = {name: planned[name] for name in ("image_size", "batch_size", "augmentation")}
    return task.base.replace(channels=1 if task.kind.grey else 3, **images)


def small_cnn(task: Task, reason: str) -> Recommendation:
    """A CNN of a few convolutions and a dense layer, for users who set its layers; trained until a plateau.

    Args:
        task: the facts about the dataset.
        reason: why no pretrained network is used.
    """
    side = task.kind.side
    fields: dict[str, Any] = {"image_size": 96, "conv": (32, 64, 128), "dropout": 0.3}
    if side <= SMALL_PIXELS:
        fields = {"image_size": max(side, 12), "conv": (32, 64) if side >= 16 else (64,), "dropout": 0.2}
    elif task.train_images < FEW_IMAGES:
        fields = {"image_size": 64, "conv": (16, 32, 64), "dropout": 0.3, "batch_size": 16}
    channels, augmentation = 1 if task.kind.grey else 3, augmentation_for(task.kind)
    recipe = task.base.replace(channels=channels, augmentation=augmentation, dense=(128,), **fields)
    what = f"a CNN of {len(fields['conv'])} convolution{'s' if len(fields['conv']) > 1 else ''}"
    return Recommendation(
        recipe,
        f"{what} from scratch at {fields['image_size']} px {_augmented(augmentation)}:"
        f" {_why_from_scratch(task.kind, reason)}",
    )


def _augmented(augmentation: Augmentation | None) -> str:
    return "without augmentation" if augmentation is None else "with augmentation"


def _why_from_scratch(kind: ImageKind, reason: str) -> str:
    if kind.side <= SMALL_PIXELS:
        return f"the images are only {kind.side} px wide" + (f", and {reason}" if is_for_pretrained(kind) else "")
    return "the images are drawings, which pretrained networks do not know" if kind.drawn else reason


def transfer(task: Task, network: str, reason: str, alpha: float | None = None) -> Recommendation:
    """Transfer learning: a frozen pretrained network with a linear head that is trained by epochs.

    Args:
        task: the facts about the dataset.
        network: the name of a pretrained network.
        reason: why this network.
        alpha: its width; None for its default.
    """
    size = _fitting(task, (network,), alpha, views=1)
    recipe = task.base.replace(
        backbone=network,
        backbone_alpha=alpha,
        pooling="average",
        image_size=size.pixels,
        dropout=0.2,
        val_batch_size=64,
    )
    return Recommendation(
        recipe, f"transfer learning from {network} at {size.why} with a linear head: {reason}; {size.cost}"
    )


def from_random(task: Task, network: str, reason: str) -> Recommendation:
    """A pretrained network's layers with random weights, all trained with augmentation: to see what its weights gain.

    Args:
        task: the facts about the dataset.
        network: the name of the network.
        reason: why this network, and why without its weights.
    """
    size = _fitting(task, (network,), None, views=_RANDOM_PASSES)
    augmentation = augmentation_for(task.kind)
    recipe = task.base.replace(
        backbone=network, pooling="average", image_size=size.pixels, dropout=0.2, augmentation=augmentation
    )
    return Recommendation(
        recipe, f"{network} from random weights at {size.pixels} px {_augmented(augmentation)}: {reason}"
    )


def probe(
    task: Task, networks: Sequence[str], reason: str, alpha: float | None = None, fine_tune: str | None = None
) -> Recommendation:
    """A probe: frozen pretrained networks and a logistic regression on their features.

    For numbers it is a ridge regression. Images whose mirror image shows the same class are used in both forms, if the
    time allows it at the networks' own size: larger images gain more than mirrored ones.
    Without fine-tuning it needs no epochs, and no validation images to choose one.

    Args:
        task: the facts about the dataset.
        networks: the names of one or more pretrained networks.
        reason: why these networks.
        alpha: the width of those that have one; None for their default.
        fine_tune: `last` or `all` to train the last block or all layers of the network after the fit.
    """
    size = _fitting(task, networks, alpha, views=2)
    views = "flip" if task.kind.mirrored and size.is_own else None
    size = size if views else _fitting(task, networks, alpha, views=1)
    recipe = Recipe.make(
        task.name,
        task.name,
        backbones=tuple(networks),
        backbone_alpha=alpha,
        image_size=size.pixels,
        views=views,
        val_batch_size=64,
        **_tuning(task, fine_tune),
    )
    seen = "each image and its mirror image" if views else "each image"
    fit = "ridge" if task.kind.numbers else "logistic"
    return Recommendation(
        recipe,
        f"a probe of {' and '.join(networks)} at {size.why}, a {fit} regression on the features of {seen}:"
        f" {reason}{_TUNED[fine_tune]}; {size.cost}",
    )


def _tuning(task: Task, part: str | None) -> dict[str, Any]:
    """The epochs and the fields for fine-tuning; only all layers together see images, which can be augmented."""
    if part is None:
        return {"epochs": 1}
    augmentation = augmentation_for(task.kind) if part == "all" else None
    length = {"epochs": 1 + TUNING_EPOCHS, "minutes": task.minutes}
    return {"fine_tune": part, "learning_rate": TUNING_RATE, "augmentation": augmentation, **length}


@dataclass(frozen=True)
class _Size:
    """The size of the images for pretrained networks.

    Attributes:
        pixels: of a side.
        is_own: True if the networks' weights were trained at this size.
        why: the size, and why not another.
        cost: the time that the features take.
    """

    pixels: int
    is_own: bool
    why: str
    cost: str


def _fitting(task: Task, networks: Sequence[str], alpha: float | None, views: int) -> _Size:
    """The networks' own size, or a smaller one if their features would take too much of the time."""
    costs, images = [known(name) or _UNKNOWN for name in networks], task.train_images + task.val_images
    own = max(cost.pixels for cost in costs)
    sizes = (own, *SMALLER)
    seconds = [views * sum(cost.seconds(images, pixels, alpha) for cost in costs) for pixels in sizes]
    allowed = 60 * task.minutes * FEATURES_SHARE
    place = next((place for place, time in enumerate(seconds) if time <= allowed), len(sizes) - 1)
    why = f"{own} px would take about {_time(seconds[0])}" if place else "the size of its own training images"
    return _Size(
        sizes[place],
        place == 0,
        f"{sizes[place]} px ({why})",
        f"the features of {images:,} images take about {_time(seconds[place])} on {CORES} cores",
    )


def from_run(task: Task, earlier: Recipe) -> Recommendation:
    """Transfer learning from an earlier run: its frozen features and a new head."""
    assert earlier.pretrained is not None
    recipe = task.base.replace(
        backbone=earlier.pretrained.backbone,
        image_size=earlier.data.image_size,
        channels=earlier.data.channels,
        resize=earlier.data.resize,
        dense=(128,),
        dropout=0.2,
    )
    return Recommendation(
        recipe,
        f"the frozen features of the earlier run {earlier.name}, with a new head: --backbone names it,"
        f" and {task.train_images:,} training images only have to train the head",
    )


def is_for_pretrained(kind: ImageKind) -> bool:
    """True if such images suit pretrained networks: photographs and rendered scenes that are not too small."""
    return kind.side >= LEAST_PIXELS and not kind.drawn and not (kind.grey and kind.side <= SMALL_PIXELS)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"
