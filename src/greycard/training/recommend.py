"""What to train on a folder nobody has written a recipe for: chosen by what is there, with the reason in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from greycard.datasets.core import Dataset
from greycard.pipeline.augmentation import Augmentation
from greycard.recipe import Recipe

MANY_IMAGES = 10_000
"""From here on a network learns its own features, and epochs are long enough without augmentation."""

FEW_IMAGES = 2_000
"""Below this, a smaller network and smaller batches: more steps from fewer pictures."""

SMALL_PIXELS = 40
"""Up to this short side, pictures are small enough for the MNIST network, at their own size."""

GENTLE = Augmentation(
    rotation_range=15,
    width_shift_range=0.1,
    height_shift_range=0.1,
    zoom_range=0.1,
    horizontal_flip=True,
)


@dataclass(frozen=True)
class Recommendation:
    """A whole recipe, and the sentence that says what was chosen and why."""

    recipe: Recipe
    reason: str


def recommend(
    dataset: Dataset,
    *,
    at_hand: str | None = None,
    asked: str | None = None,
    because: str = "",
    alpha: float | None = None,
    earlier: Recipe | None = None,
) -> Recommendation:
    """The recipe for a dataset without one.

    Args:
        dataset: counted by its training images and the size of its pictures.
        at_hand: a `keras.applications` network whose weights are there, used where the data is too little without.
        asked: a network the user wants, whatever there is.
        because: why it is wanted.
        alpha: that network's width, None for its own default.
        earlier: the recipe of an earlier run to transfer from, its own `backbone` naming that run's folder.
    """
    base = Recipe(name=dataset.name, dataset=dataset.name)
    count, side = len(dataset.train), _side(dataset)
    if earlier is not None:
        return _from_run(base, earlier, count)
    if asked is not None:
        return _transfer(base.replace(backbone=asked, backbone_alpha=alpha), side, because)
    if at_hand is not None and count < MANY_IMAGES and side > SMALL_PIXELS:
        few = f"{count:,} training pictures are few to learn features from, and its pretrained weights are at hand"
        return _transfer(base.replace(backbone=at_hand, backbone_alpha=alpha), side, few)
    return _own_cnn(base, count, side)


def _side(dataset: Dataset) -> int:
    """The median short side of the training pictures in pixels."""
    if dataset.sizes:
        return dataset.sizes[1]
    images = dataset.train.images
    return min(images.shape[1:3]) if hasattr(images, "shape") else 150


def _from_run(base: Recipe, earlier: Recipe, count: int) -> Recommendation:
    recipe = base.replace(
        backbone=earlier.backbone,
        image_size=earlier.image_size,
        channels=earlier.channels,
        dense=(128,),
        dropout=0.2,
        epochs=20,
        patience=5,
    )
    return Recommendation(
        recipe,
        f"the frozen features of the earlier run {earlier.name}, with a new head: --backbone asked for it,"
        f" and {count:,} training pictures only have to teach the head",
    )


def _transfer(base: Recipe, side: int, reason: str) -> Recommendation:
    pixels = min(max(side // 32 * 32, 96), 160)
    recipe = base.replace(pooling="average", image_size=pixels, dropout=0.2, epochs=8, patience=3, val_batch_size=64)
    return Recommendation(recipe, f"transfer learning from {base.backbone} at {pixels} px with a linear head: {reason}")


def _own_cnn(base: Recipe, count: int, side: int) -> Recommendation:
    if side <= SMALL_PIXELS:
        return _small_cnn(base, count, side)
    if count < FEW_IMAGES:  # small steps of a small network: a result within a minute on a laptop
        recipe = base.replace(image_size=64, conv=(16, 32, 64), dense=(128,), dropout=0.3, batch_size=16, epochs=20)
    else:
        recipe = base.replace(image_size=96, conv=(32, 64, 128), dense=(128,), dropout=0.3, epochs=15)
    what = f"a CNN of 3 convolutions from scratch at {64 if count < FEW_IMAGES else 96} px"
    if count >= MANY_IMAGES:
        reason = f"without augmentation: {count:,} training pictures are enough to learn features from"
        return Recommendation(recipe.replace(patience=3), f"{what}, {reason}")
    return Recommendation(
        recipe.replace(augmentation=GENTLE),
        f"{what} with augmentation: no pretrained weights are at hand (--weights imagenet gets them), and"
        f" {count:,} training pictures would be learnt by heart without it",
    )


def _small_cnn(base: Recipe, count: int, side: int) -> Recommendation:
    pixels, conv = max(side, 12), (32, 64) if side >= 16 else (64,)
    return Recommendation(
        base.replace(image_size=pixels, conv=conv, dense=(128,), dropout=0.2, epochs=15, patience=5),
        f"a CNN of {len(conv)} convolution{'s' if len(conv) > 1 else ''} at {pixels} px: the pictures are only"
        f" {side} px wide, so there is little for a larger network to see in these {count:,}",
    )
