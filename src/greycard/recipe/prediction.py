"""The prediction part of a recipe: what the saved model does with an image besides computing its network once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from greycard.core.fields import Check, OneOf
from greycard.recipe.config import Config

VIEWS = ("flip", "crops")
_SMALLEST = 0.1


def _part(value: Any) -> bool:
    return isinstance(value, float) and _SMALLEST <= value <= 1


@dataclass(frozen=True, kw_only=True)
class PredictionConfig(Config):
    """Test-time augmentation, as layers of the saved model; `models/views.py` builds them.

    Attributes:
        views: the versions of an image whose logits are averaged: `flip` for the image and its mirror image, `crops`
            for these two and an enlarged version of each; none for the image alone.
        center_crop: the side of the middle part that is enlarged and seen in place of the image, as a fraction of the
            image's side. Training with `crop_scale` makes subjects look larger, and so does this.
    """

    views: str | None = None
    center_crop: float = 1.0

    CHECKS: ClassVar[tuple[Check, ...]] = (
        ("views", OneOf((None, *VIEWS)), " or ".join(VIEWS), "flip"),
        ("center_crop", _part, "a number from 0.1 to 1", "0.875"),
    )
