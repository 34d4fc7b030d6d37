"""The schedule part of a recipe: how the learning rate changes from step to step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from greycard.core.fields import Check, OneOf
from greycard.recipe.config import SHARE, Config, expect_settings_of_kind, optional, share

SCHEDULES = ("constant", "onecycle", "cosine", "step")

_WARMUP = {"onecycle": 0.3, "cosine": 0.05}
_START = 1 / 25
"""The first learning rate of a warm-up, as a fraction of the highest; fastai and PyTorch start there, too."""

_ONLY_FOR = {"warmup": tuple(_WARMUP), "anneal": ("onecycle",), "milestones": ("step",), "factor": ("step",)}


def _between(value: Any) -> bool:
    return share(value) and value > 0


def _rising(values: Any) -> bool:
    return (
        isinstance(values, tuple) and bool(values) and all(map(_between, values)) and sorted(set(values)) == [*values]
    )


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig(Config):
    """The learning rate of every training step; `models/schedules.py` builds it.

    Attributes:
        kind: constant; onecycle, up to the optimizer's learning_rate and down to almost 0; cosine, a short warm-up and
            down to almost 0 along a cosine; or step, a drop at each of the milestones.
        warmup: the share of the steps in which the learning rate rises to its highest value; none for 0.3 in a onecycle
            and 0.05 in a cosine schedule.
        anneal: the shape of a onecycle schedule, up and down.
        milestones: the shares of the steps after which a step schedule multiplies the learning rate by `factor`.
        factor: by which a step schedule multiplies the learning rate.
    """

    kind: str = "constant"
    warmup: float | None = None
    anneal: str = "cosine"
    milestones: tuple[float, ...] = (0.5, 0.75)
    factor: float = 0.1

    ONLY_FOR: ClassVar[Mapping[str, Sequence[str]]] = _ONLY_FOR
    CHECKS: ClassVar[tuple[Check, ...]] = (
        ("kind", OneOf(SCHEDULES), f"one of {', '.join(SCHEDULES)}", "onecycle"),
        ("warmup", optional(share), SHARE, "0.1"),
        ("anneal", OneOf(("cosine", "linear")), "cosine or linear", "linear"),
        ("milestones", _rising, "rising fractions between 0 and 1", "0.5,0.75"),
        ("factor", _between, "a fraction between 0 and 1", "0.1"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_settings_of_kind(self, "schedule", self.ONLY_FOR)

    @property
    def changes(self) -> bool:
        """True if the learning rate changes, so that training needs all of its epochs."""
        return self.kind != "constant"

    def fraction(self, step: int, steps: int) -> float:
        """The learning rate of a step, as a fraction of the optimizer's.

        Args:
            step: counted from 0.
            steps: of the whole training.
        """
        if self.kind == "constant":
            return 1.0
        if self.kind == "step":
            return float(self.factor ** sum(step >= share * steps for share in self.milestones))
        warm = round(steps * (_WARMUP[self.kind] if self.warmup is None else self.warmup))
        if step < warm:
            rise = _cosine(step / warm) if self._rises_along_cosine else step / warm
            return _START + (1 - _START) * rise
        done = (step - warm) / (steps - warm)
        return 1 - (done if self.kind == "onecycle" and self.anneal == "linear" else _cosine(done))

    @property
    def _rises_along_cosine(self) -> bool:
        return self.kind == "onecycle" and self.anneal == "cosine"


def _cosine(done: float) -> float:
    """From 0 to 1 along half a cosine."""
    return (1 - math.cos(math.pi * done)) / 2
