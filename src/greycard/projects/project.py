"""A project: a recipe, what it teaches, and published figures where there are any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any

from greycard.core.errors import GreycardError
from greycard.core.published import Published
from greycard.recipe import Recipe
from greycard.recipe.own_model import with_own_model


@dataclass(frozen=True)
class Project:
    """A recipe with a description.

    Attributes:
        recipe: what to train; the project has its name.
        teaches: what the project shows, a sentence or more.
        published: figures of the project's author.
        model: a function that builds your own Keras model, as for `train`.
    """

    recipe: Recipe
    teaches: str = ""
    published: Published | None = None
    model: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.recipe, Recipe):
            raise GreycardError(
                f"a project has a Recipe. Received: {self.recipe!r}",
                hint="Project(greycard.Recipe.make(…), 'it shows …')",
            )
        object.__setattr__(self, "recipe", with_own_model(self.recipe, self.model))

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.recipe.name

    def __repr__(self) -> str:
        return f"Project({self.name!r}, {self.recipe.architecture} on {self.recipe.data.dataset!r})"


def as_project(given: object) -> Project:
    """A project, or a function that returns one or its recipe; the function's docstring says what it teaches.

    Raises:
        GreycardError: something else.
    """
    made = given() if callable(given) else given
    if isinstance(made, Recipe):
        return Project(made, cleandoc(getattr(given, "__doc__", None) or "") if callable(given) else "")
    if isinstance(made, Project):
        return made
    raise GreycardError(
        f"expected a Project, or a function that returns a Project or a Recipe. Received: {made!r}",
        hint="greycard.Project(recipe, 'what it shows')",
    )
