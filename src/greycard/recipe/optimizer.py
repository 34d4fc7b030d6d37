"""The optimizer part of a recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from greycard.core.errors import GreycardError
from greycard.core.fields import Check, OneOf
from greycard.recipe.config import SHARE, Config, expect_settings_of_kind, flag, number, optional, share

OPTIMIZERS = ("adam", "adamw", "rmsprop", "sgd")

_ONLY_FOR = {
    "momentum": ("rmsprop", "sgd"),
    "nesterov": ("sgd",),
    "weight_decay": ("adamw", "rmsprop", "sgd"),
}
"""The kinds that have a setting; all kinds have the others."""

_RATES = {"adam": 0.001, "adamw": 0.001, "rmsprop": 0.001, "sgd": 0.01}
"""The learning rate of each kind if none is set: Keras's own."""


def _positive(value: Any) -> bool:
    return isinstance(value, float) and 0 < value < math.inf


def _above_zero(value: Any) -> bool:
    return share(value) and value > 0


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig(Config):
    """How the weights change; `models/optimizers.py` builds the optimizer.

    Attributes:
        kind: the algorithm that changes the weights.
        learning_rate: the optimizer's step size; with a schedule, the highest one. None means 0.01 for sgd and
            0.001 for the others.
        momentum: the share of the last update that is added to the next one; for sgd and rmsprop.
        nesterov: Nesterov's momentum; for sgd.
        weight_decay: decoupled weight decay, as in AdamW: each step also shrinks a weight by the product of this and
            the learning rate. Biases and the scales of batch norm do not decay.
        clip_norm: the largest norm of all gradients together; longer gradients are scaled down to it.
        ema: decay of an exponential moving average of the weights, which is validated and saved.
    """

    kind: str = "adam"
    learning_rate: float = None  # type: ignore[assignment]  # never None after __post_init__
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    clip_norm: float | None = None
    ema: float | None = None

    ONLY_FOR: ClassVar[Mapping[str, Sequence[str]]] = _ONLY_FOR
    BY_KIND: ClassVar[Mapping[str, Mapping[str, Any]]] = {"learning_rate": _RATES}
    CHECKS: ClassVar[tuple[Check, ...]] = (
        ("kind", OneOf(OPTIMIZERS), f"one of {', '.join(OPTIMIZERS)}", "adam"),
        ("learning_rate", optional(_positive), "a number above 0", "0.001"),
        ("momentum", share, SHARE, "0.9"),
        ("nesterov", flag, "true or false", "true"),
        ("weight_decay", share, SHARE, "0.01"),
        ("clip_norm", optional(number(0, math.inf)), "a number above 0", "1.0"),
        ("ema", optional(_above_zero), "a fraction between 0 and 1", "0.999"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_settings_of_kind(self, "optimizer", self.ONLY_FOR)
        if self.nesterov and not self.momentum:
            raise GreycardError("nesterov needs a momentum. Received: momentum=0", hint="add momentum=0.9")
        if self.kind == "adamw" and not self.weight_decay:
            raise GreycardError("adamw needs a weight_decay; without it, it is adam", hint="add weight_decay=0.01")
