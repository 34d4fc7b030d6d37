"""Recommend a recipe for a dataset that has none, with the reason in a sentence.

benchmarks/recommended.py compares each rule with its alternative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from greycard.models.preferred import CORES, Preferred, known
from greycard.pipeline.augmentation import Augmentation
from greycard.recipe import Recipe
from greycard.training.image_kind import ImageKind

MINUTES = 10.0
"""The default time limit of a recommended recipe, in minutes."""

FEW_IMAGES = 2_000
"""With fewer training images, a smaller network and smaller batches: more steps from fewer images."""

SMALL_PIXELS = 40
"""Up to this short side in pixels, images keep their size and get a network like that for MNIST."""

LEAST_PIXELS = 32
"""From this short side in pixels on, a pretrained network on enlarged colour images is better than a new CNN."""

SMALLER = (160, 128)
"""Image sizes in pixels for a pretrained network if its own size takes too long."""

FEATURES_SHARE = 0.5
"""The features of a pretrained network may take this fraction of the time."""

_UNKNOWN = Preferred("", 224, 0.081)
"""The cost of an unknown network: as slow as ResNet50."""

_AUGMENTATION = Augmentation(rotation_range=15, width_shift_range=0.1, height_shift_range=0.1, zoom_range=0.1)


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
    """

    name: str
    train_images: int
    val_images: int
    kind: ImageKind
    minutes: float = MINUTES

    @property
    def base(self) -> Recipe:
        """The common part of every recommended recipe: early stopping, a time limit, and the best epoch's weights."""
        return Recipe.make(self.name, self.name, keep="best", minutes=self.minutes, epochs=100, patience=10)


def from_scratch(task: Task, reason: str) -> Recommendation:
    """A small CNN from scratch with augmentation; without augmentation it overfits at any size.

    Args:
        task: the facts about the dataset.
        reason: why no pretrained network is used.
    """
    if task.kind.side <= SMALL_PIXELS:
        return _small_cnn(task, reason)
    few = task.train_images < FEW_IMAGES
    pixels, conv, batch = (64, (16, 32, 64), 16) if few else (96, (32, 64, 128), 32)
    recipe = _augmented(task, image_size=pixels, conv=conv, dense=(128,), dropout=0.3, batch_size=batch)
    why = "the images are drawings, which pretrained networks do not know" if task.kind.drawn else reason
    return Recommendation(recipe, f"a CNN of 3 convolutions from scratch at {pixels} px with augmentation: {why}")


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


def probe(
    task: Task, networks: Sequence[str], reason: str, alpha: float | None = None, fine_tune: str | None = None
) -> Recommendation:
    """A probe: frozen pretrained networks and a logistic regression on their features.

    Images whose mirror image shows the same class are used in both forms.
    Without fine-tuning it needs no epochs, and no validation images to choose one.

    Args:
        task: the facts about the dataset.
        networks: the names of one or more pretrained networks.
        reason: why these networks.
        alpha: the width of those that have one; None for their default.
        fine_tune: `last` or `all` to train the last block or all layers of the network after the fit.
    """
    views = "flip" if task.kind.mirrored else None
    size = _fitting(task, networks, alpha, views=2 if views else 1)
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
    return Recommendation(
        recipe,
        f"a probe of {' and '.join(networks)} at {size.why}, a logistic regression on the features of {seen}:"
        f" {reason}{_TUNED[fine_tune]}; {size.cost}",
    )


def _tuning(task: Task, part: str | None) -> dict[str, Any]:
    """The fields for fine-tuning; only all layers together see images, which can be augmented."""
    if part is None:
        return {}
    augmentation = augmentation_for(task.kind) if part == "all" else None
    length = {"epochs": 1 + TUNING_EPOCHS, "minutes": task.minutes}
    return {"fine_tune": part, "learning_rate": TUNING_RATE, "augmentation": augmentation, **length}


@dataclass(frozen=True)
class _Size:
    """The size of the images for pretrained networks.

    Attributes:
        pixels: of a side.
        why: the size, and why not another.
        cost: the time that the features take.
    """

    pixels: int
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


def augmentation_for(kind: ImageKind) -> Augmentation:
    """Augmentation that does not change the class: mirroring only if a mirrored image still shows its class.

    Drawings fill their frame and are upright, so the ranges are smaller: with the wider ranges Fashion-MNIST needs
    three times as many epochs for the same accuracy.
    """
    if kind.drawn:
        return Augmentation(rotation_range=5, width_shift_range=0.05, height_shift_range=0.05, zoom_range=0.05)
    return replace(_AUGMENTATION, horizontal_flip=kind.mirrored)


def is_for_pretrained(kind: ImageKind) -> bool:
    """True if such images suit pretrained networks: photographs and rendered scenes that are not too small."""
    return kind.side >= LEAST_PIXELS and not kind.drawn and not (kind.grey and kind.side <= SMALL_PIXELS)


def _small_cnn(task: Task, reason: str) -> Recommendation:
    side = task.kind.side
    pixels, conv = max(side, 12), (32, 64) if side >= 16 else (64,)
    what = f"a CNN of {len(conv)} convolution{'s' if len(conv) > 1 else ''}"
    why = f", and {reason}" if is_for_pretrained(task.kind) else ""
    return Recommendation(
        _augmented(task, image_size=pixels, conv=conv, dense=(128,), dropout=0.2),
        f"{what} at {pixels} px: the images are only {side} px wide{why}; with augmentation against overfitting",
    )


def _augmented(task: Task, **fields: object) -> Recipe:
    return task.base.replace(augmentation=augmentation_for(task.kind), channels=1 if task.kind.grey else 3, **fields)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"
