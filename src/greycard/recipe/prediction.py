"""The prediction part of a recipe: what the saved model does with an image besides computing its network once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from greycard.core.fields import Check, OneOf
from greycard.recipe.config import Config

VIEWS = ("flip", "crops")


@dataclass(frozen=True, kw_only=True)
class PredictionConfig(Config):
    """Test-time augmentation, as layers of the saved model; `models/views.py` builds them.

    Attributes:
        views: the versions of an image whose logits are averaged: `flip` for the image and its mirror image, `crops`
            for these two and an enlarged version of each; none for the image alone.
    """

    views: str | None = None

    CHECKS: ClassVar[tuple[Check, ...]] = (("views", OneOf((None, *VIEWS)), " or ".join(VIEWS), "flip"),)
