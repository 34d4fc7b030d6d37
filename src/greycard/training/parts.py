"""Which trainings can be computed in parts of a batch, and so be shared by several workers."""

from __future__ import annotations

from greycard.backend.objective import matches
from greycard.backend.part_computer import Layout
from greycard.core.errors import GreycardError
from greycard.models.model import Model
from greycard.recipe import Recipe

_WHOLE = "train without --workers, with --set parts=1"


def expect_parts(recipe: Recipe, model: Model) -> None:
    """Raise a GreycardError if the recipe asks for parts, and the steps of its model cannot be computed in parts."""
    if recipe.training.parts == 1:
        return
    if model.is_frozen:
        raise GreycardError(
            "the backbone is frozen, so only a head on its cached features is trained, and that needs no workers",
            hint=_WHOLE,
        )
    if not matches(model.network):
        raise GreycardError(
            "the model has a training step, a loss, an optimizer or inputs of its own, which cannot be computed in"
            " parts",
            hint=_WHOLE,
        )
    unknown = Layout(model.network).unknown
    if unknown:
        raise GreycardError(
            f"a layer of the model changes {unknown[0].path} by itself in training, which cannot be computed in parts",
            hint=_WHOLE,
        )
