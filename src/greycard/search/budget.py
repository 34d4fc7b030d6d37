"""Arithmetic of a time budget: what is left, what a recipe costs, and the length that fits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from greycard.recipe import Recipe


class Budget:
    """A number of minutes that runs down.

    Args:
        minutes: in all.
        spent: seconds spent by earlier processes.
        now: a clock in seconds.
    """

    def __init__(self, minutes: float, spent: float = 0.0, now: Callable[[], float] = time.perf_counter) -> None:
        self.seconds = 60 * minutes
        self._now, self._begun, self._before = now, now(), spent

    @property
    def spent(self) -> float:
        """Seconds."""
        return self._before + self._now() - self._begun

    @property
    def left(self) -> float:
        """Seconds, never below 0."""
        return max(0.0, self.seconds - self.spent)


@dataclass(frozen=True)
class Counts:
    """Numbers of images."""

    train: int
    val: int
    test: int


@dataclass(frozen=True)
class Rates:
    """Seconds of one recipe's parts, measured on this machine.

    Attributes:
        start: to build and compile the model.
        decode: to decode one image.
        features: to compute one image's features, in all versions; 0 if no part of the model is frozen.
        step: one image in training.
        predict: one image in prediction, in all versions.
    """

    start: float
    decode: float
    features: float
    step: float
    predict: float


@dataclass(frozen=True)
class Cost:
    """The expected seconds of a training: a fixed part, and the part of each epoch."""

    fixed: float
    epoch: float

    def seconds(self, epochs: int) -> float:
        """Of the whole training."""
        return self.fixed + epochs * self.epoch

    def times(self, factor: float) -> Cost:
        """The cost on a machine that takes `factor` times as long."""
        return Cost(factor * self.fixed, factor * self.epoch)


def cost_of(recipe: Recipe, rates: Rates, counts: Counts) -> Cost:
    """What a training of the recipe costs, with the measurement on the training and validation images after it."""
    images, copies = counts.train + counts.val, augmented_copies(recipe)
    features = rates.features * (images + copies * counts.train)
    fixed = rates.start + rates.decode * images + features + rates.predict * counts.train
    return Cost(fixed, rates.step * counts.train + rates.predict * counts.val)


def test_seconds(rates: Rates, counts: Counts) -> float:
    """What the measurement on the images set aside costs."""
    return counts.test * (rates.decode + rates.features + rates.predict)


def augmented_copies(recipe: Recipe) -> int:
    """The number of augmented copies of each training image whose features are computed."""
    model = recipe.pretrained
    return min(model.augmented_copies, recipe.training.epochs) if model and recipe.augmentation else 0


def fitted(recipe: Recipe, least_epochs: int, cost: Cost, seconds: float) -> Recipe | None:
    """The recipe with as many of its epochs as fit into the seconds, and with them as its time limit.

    Returns:
        None if fewer than `least_epochs` fit.
    """
    planned, minutes = recipe.training.epochs, seconds / 60
    room = seconds - cost.fixed
    if room < 0 or minutes <= 0:
        return None
    epochs = planned if planned * cost.epoch <= room else int(room / cost.epoch)
    if epochs < min(least_epochs, planned):
        return None
    return recipe.replace(epochs=epochs, minutes=max(round(minutes, 2), 0.01))


@dataclass
class Corrections:
    """How much longer the recipes really took than expected, separately with and without a frozen network."""

    factors: dict[bool, float] = field(default_factory=dict)

    def of(self, recipe: Recipe) -> float:
        """The factor for this recipe; 1 before any recipe of its kind was trained."""
        return self.factors.get(bool(recipe.backbones), 1.0)

    def learn(self, recipe: Recipe, expected: float, measured: float) -> None:
        """Take over what a training really took; `expected` is its cost for the same epochs, not corrected."""
        if expected > 0:
            self.factors[bool(recipe.backbones)] = measured / expected


def usable_images(images: int, per_image: float, fixed: float, seconds: float, least: int) -> int:
    """How many images the seconds are enough for: at least `least`, and at most all of them.

    Args:
        images: all of them.
        per_image: seconds of the cheapest recipe for each image.
        fixed: its seconds for no image.
        seconds: that may be used.
        least: fewer cannot be trained on.
    """
    room = seconds - fixed
    enough = images if images * per_image <= room else int(max(room, 0.0) / per_image) if per_image else 0
    return min(images, max(enough, least))
