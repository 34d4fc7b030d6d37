"""The loss part of a recipe: softer labels, and classes of different sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from greycard.core.fields import Check, OneOf
from greycard.recipe.config import SHARE, Config, share

BALANCES = ("none", "weights", "sampling")


@dataclass(frozen=True, kw_only=True)
class LossConfig(Config):
    """What the model learns to predict, and how much each class counts; `training/targets.py` applies it.

    Attributes:
        label_smoothing: fraction of each label that is spread evenly over all classes; 0.1 is usual. Fine-tuning uses
            it in its epochs, the fit of a probe does not.
        balance: for classes of different sizes: weights makes the images of a small class count more, sampling shows
            them more often, so that all classes count the same; the fit of a probe uses weights for both; none leaves
            the classes unchanged.
    """

    label_smoothing: float = 0.0
    balance: str = "none"

    CHECKS: ClassVar[tuple[Check, ...]] = (
        ("label_smoothing", share, SHARE, "0.1"),
        ("balance", OneOf(BALANCES), f"{', '.join(BALANCES[:-1])} or {BALANCES[-1]}", "weights"),
    )

    def __post_init__(self) -> None:
        if self.balance is None:  # `--set balance=none`
            object.__setattr__(self, "balance", "none")
        super().__post_init__()
