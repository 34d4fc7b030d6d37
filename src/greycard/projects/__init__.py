"""The projects: well-known tasks as recipes. A new project is one function that returns a Recipe, and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path

from greycard.core.errors import GreycardError, command
from greycard.core.published import Published
from greycard.core.suggestions import did_you_mean
from greycard.projects import (
    cats_dogs_3k,
    cats_dogs_25k,
    digits,
    fashion_mnist,
    happy_sad,
    horses_humans,
    house_prices,
    mnist,
    rock_paper_scissors,
    sign_language,
)
from greycard.recipe import Recipe

_RECIPES: tuple[Callable[[], Recipe], ...] = (
    fashion_mnist.fashion_mnist_dnn,
    fashion_mnist.fashion_mnist_cnn,
    mnist.mnist_dnn,
    mnist.mnist_cnn,
    horses_humans.horses_humans_cnn,
    horses_humans.horses_humans_cnn_augmented,
    horses_humans.horses_humans_transfer,
    cats_dogs_3k.cats_dogs_3k_cnn,
    cats_dogs_3k.cats_dogs_3k_cnn_augmented,
    cats_dogs_3k.cats_dogs_3k_transfer,
    cats_dogs_25k.cats_dogs_25k_cnn,
    cats_dogs_25k.cats_dogs_25k_cnn_augmented,
    house_prices.house_prices,
    digits.digits_cnn,
    sign_language.sign_language_cnn,
    rock_paper_scissors.rock_paper_scissors_cnn,
    happy_sad.happy_sad_cnn,
)

_PUBLISHED: dict[str, Published] = {
    **fashion_mnist.PUBLISHED,
    **mnist.PUBLISHED,
    **horses_humans.PUBLISHED,
    **cats_dogs_3k.PUBLISHED,
    **cats_dogs_25k.PUBLISHED,
    **sign_language.PUBLISHED,
    **rock_paper_scissors.PUBLISHED,
    **happy_sad.PUBLISHED,
}


@dataclass(frozen=True)
class Project:
    """One project: its recipe, its lesson, and its published figures, if any."""

    recipe: Recipe
    teaches: str
    published: Published | None

    @property
    def name(self) -> str:
        return self.recipe.name

    def __repr__(self) -> str:
        return f"Project({self.name!r}, {self.recipe.architecture} on {self.recipe.data.dataset!r})"


def projects() -> tuple[Project, ...]:
    """All projects; first the twelve of the published table, in its order."""
    recipes = [(function(), cleandoc(function.__doc__ or "")) for function in _RECIPES]
    return tuple(Project(recipe, teaches, _PUBLISHED.get(recipe.name)) for recipe, teaches in recipes)


def find_project(name: str) -> Project:
    """The project with this name; GreycardError, with similar names, if there is none."""
    everything = projects()
    for candidate in everything:
        if candidate.name == name:
            return candidate
    hint = did_you_mean(name, [candidate.name for candidate in everything], "`greycard projects` lists them")
    if isinstance(name, str) and Path(name).is_dir():
        hint = f"train on a folder of images with `{command('train', Path(name))}`, or train(load_folder({name!r}))"
    raise GreycardError(f"there is no project named {name!r}", hint=hint)
