"""The mixing part of a recipe: training images that are made of two images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from greycard.core.fields import Check
from greycard.recipe.config import Config


def _parameter(value: Any) -> bool:
    return isinstance(value, float) and (value == 0 or 0.001 <= value <= 100)


_PARAMETER = "0, or a number from 0.001 to 100"


@dataclass(frozen=True, kw_only=True)
class MixingConfig(Config):
    """How each training image is mixed with another one of its batch; the label is mixed in the same shares.

    Attributes:
        mixup: blend two images in shares drawn from Beta(mixup, mixup); 0.2 is usual, 0 turns it off. If cutmix is on,
            too, one of the two is drawn for each batch.
        cutmix: paste a rectangle of another image, its area drawn from Beta(cutmix, cutmix); 1 is usual, 0 turns it
            off.
    """

    mixup: float = 0.0
    cutmix: float = 0.0

    CHECKS: ClassVar[tuple[Check, ...]] = (
        ("mixup", _parameter, _PARAMETER, "0.2"),
        ("cutmix", _parameter, _PARAMETER, "1"),
    )

    @property
    def is_on(self) -> bool:
        """True if images are mixed."""
        return self.mixup > 0 or self.cutmix > 0
