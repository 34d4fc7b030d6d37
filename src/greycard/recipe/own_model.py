"""A model of the user's own: which function builds it, and whether it is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from greycard.core.errors import GreycardError
from greycard.recipe import Recipe
from greycard.recipe.model import CustomConfig


def with_own_model(recipe: Recipe, build: Callable[..., Any] | None) -> Recipe:
    """The recipe with the model that a function builds; unchanged without one.

    Raises:
        GreycardError: `build` is not a function.
    """
    if build is None:
        return recipe
    if not callable(build) or isinstance(build, type) or hasattr(build, "get_weights"):  # a Keras model is callable
        raise GreycardError(
            f"model takes a function that builds a Keras model. Received: {build!r}",
            hint="def build(shape, classes): return keras.Sequential([keras.Input(shape), …])",
        )
    name = getattr(build, "__qualname__", type(build).__qualname__)
    return replace(recipe, model=CustomConfig(function=f"{build.__module__}.{name}"))


def expect_own_model(recipe: Recipe, build: Callable[..., Any] | None) -> None:
    """A recipe of the user's own model needs its function, and every other recipe builds its model itself.

    Raises:
        GreycardError: the function is missing, or is not needed.
    """
    is_own = isinstance(recipe.model, CustomConfig)
    if is_own and build is None:
        raise GreycardError(
            f"{recipe.name} trains your own model, and its function {recipe.architecture} was not passed",
            hint="in Python: greycard.train(…, model=build), or greycard.resume(run, model=build)",
        )
    if build is not None and not is_own:
        raise GreycardError(
            f"model= and a recipe of the family {recipe.model.kind} cannot be used together",
            hint="leave model= out, or leave out what sets the family, such as backbone=",
        )
