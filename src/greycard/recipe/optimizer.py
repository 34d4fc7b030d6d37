"""The optimizer part of a recipe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from greycard.core.fields import Check, OneOf
from greycard.recipe.config import Config

OPTIMIZERS = ("adam", "rmsprop", "sgd")


def _positive(value: Any) -> bool:
    return isinstance(value, float) and 0 < value < math.inf


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig(Config):
    """How the weights change; `models/optimizers.py` builds the optimizer.

    Attributes:
        kind: the algorithm that changes the weights.
        learning_rate: the optimizer's step size.
    """

    kind: str = "adam"
    learning_rate: float = 0.001

    CHECKS: ClassVar[tuple[Check, ...]] = (
        ("kind", OneOf(OPTIMIZERS), f"one of {', '.join(OPTIMIZERS)}", "adam"),
        ("learning_rate", _positive, "a number above 0", "0.001"),
    )
