"""The stopping part of a recipe: when training stops early, and which weights are kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from greycard.core.fields import Check, OneOf
from greycard.recipe.config import COUNT, Config, flag, number, optional, whole


@dataclass(frozen=True, kw_only=True)
class StoppingConfig(Config):
    """When training ends, and which weights the model gets.

    Attributes:
        target_accuracy: stop once an epoch reaches this accuracy.
        target_split: the split of the target accuracy.
        target_uses_lower_bound: compare the target with the lower end of the accuracy's 95 % interval, not with the
            accuracy itself.
        patience: stop after so many epochs without a better validation loss; with keep=best, without a better loss or
            accuracy.
        minutes: stop before the epoch that would end later than this many minutes after the start of the run.
        keep: which weights the finished run has: those of the last epoch, or of the best by validation accuracy.
    """

    target_accuracy: float | None = None
    target_split: str = "validation"
    target_uses_lower_bound: bool = False
    patience: int | None = None
    minutes: float | None = None
    keep: str = "last"

    CHECKS: ClassVar[tuple[Check, ...]] = (
        ("target_accuracy", optional(number(0, 1)), "between 0 and 1", "0.99"),
        ("target_split", OneOf(("validation", "training")), "validation or training", "validation"),
        ("target_uses_lower_bound", flag, "true or false", "true"),
        ("patience", optional(whole(1)), COUNT, "3"),
        ("minutes", optional(number(0, math.inf)), "a number above 0, or none", "10"),
        ("keep", OneOf(("last", "best")), "last or best", "best"),
    )
