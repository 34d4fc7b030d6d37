"""The learning-rate finder (Smith, 2015): train a few steps at rising rates and see where the loss falls."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from greycard.backend.steps import choices_for, steps_for
from greycard.core.errors import GreycardError
from greycard.models.mixed_precision import mixed_precision
from greycard.models.optimizers import build_optimizer
from greycard.models.schedules import TableSchedule
from greycard.training.setup import TrainSetup

LOWEST, HIGHEST, STEPS = 1e-6, 10.0, 140
"""The rates that are tried: 20 in each of seven decades."""

_BATCHES = 9
"""Batches differ, so each loss is replaced by the median of so many around it."""

_EXPLODED = 2.0
"""The loss has exploded if the median of the last batches is this many times that of the first ones."""

_FELL = 0.9
"""A loss that stays above this fraction of the first one has not fallen."""


@dataclass(frozen=True)
class RateTest:
    """The loss at each learning rate.

    Attributes:
        rates: rising, up to the one at which the loss exploded.
        losses: of the batch that was trained at each rate.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def smooth(self) -> tuple[float, ...]:
        """The running median of the losses."""
        around = _BATCHES // 2
        windows = (self.losses[max(0, place - around) : place + around + 1] for place in range(len(self.losses)))
        return tuple(statistics.median(window) for window in windows)

    @property
    def suggested(self) -> float | None:
        """The rate at which the loss has fallen half-way to its lowest value; None if it never fell.

        The loss falls fast there, and training stays well below the rate at which it explodes.
        """
        smooth = self.smooth
        first, last = smooth[0], min(smooth)
        if last > _FELL * first:
            return None
        half = next(place for place, loss in enumerate(smooth) if loss <= (first + last) / 2)
        return float(f"{self.rates[half]:.2g}")


def try_rates(setup: TrainSetup) -> RateTest:
    """Train the setup's model at rising rates until the loss explodes. The model is useless afterwards."""
    model, train = setup.network, setup.loaders.train
    rates = np.geomspace(LOWEST, HIGHEST, STEPS).tolist()
    optimizer = build_optimizer(setup.recipe.optimizer, TableSchedule(rates), model.trainable_variables)
    setup.task.compile(model, optimizer, soft_targets=setup.recipe.soft_targets)
    choices = choices_for(model, train.batch_size, STEPS, setup.recipe.training.precision)
    steps = steps_for(model, train.batch_size, STEPS, choices)

    def losses() -> Iterator[float]:
        for number in range(STEPS):
            images, labels = train.batch(*divmod(number, len(train)))
            steps.train(images, labels)
            yield steps.result()["loss"]

    with mixed_precision(model, setup.recipe.training.precision):
        return until_it_explodes(rates, losses())


def until_it_explodes(rates: Sequence[float], losses: Iterator[float]) -> RateTest:
    """The losses at these rates, up to the first that is not finite, or until they are much higher than before.

    Raises:
        GreycardError: not even the first loss is finite.
    """
    found: list[float] = []
    for loss in losses:
        if not math.isfinite(loss):
            break
        found.append(loss)
        last, first = statistics.median(found[-_BATCHES:]), statistics.median(found[:_BATCHES])
        if len(found) > _BATCHES and last > _EXPLODED * first:
            break
    if not found:
        hint = "look for a division by 0 or a logarithm of 0 in the model"
        raise GreycardError("the training loss is NaN or infinite before the first step", hint=hint)
    return RateTest(tuple(rates[: len(found)]), tuple(found))
