"""The projects: well-known tasks as recipes. A new project is one function that returns a Recipe, and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
    short,
    sign_language,
)
from greycard.projects.outside import installed_projects
from greycard.projects.project import Project, as_project
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


def projects() -> tuple[Project, ...]:
    """All projects: the twelve of the published table first, in its order, and those of installed packages last."""
    own = _own_projects()
    return own + installed_projects({project.name for project in own})


def find_project(name: str) -> Project:
    """The project with this name; GreycardError, with similar names, if there is none."""
    for look in (
        _own_projects,
        short_projects,
        _record_projects,
        projects,
    ):  # other packages are imported only if the project is not Greycard's
        for candidate in look():
            if candidate.name == name:
                return candidate
    known = [candidate.name for candidate in (*projects(), *short_projects(), *_record_projects())]
    hint = did_you_mean(name, known, "`greycard projects` lists them")
    if isinstance(name, str) and Path(name).is_dir():
        hint = f"train on a folder of images with `{command('train', Path(name))}`, or train(load_folder({name!r}))"
    raise GreycardError(f"there is no project named {name!r}", hint=hint)


def short_projects() -> tuple[Project, ...]:
    """Variants of the projects for a lesson: at most a minute on two cores, and without published figures."""
    known = {project.name: project for project in _own_projects()}
    return tuple(short.short_variant(known[name]) for name in short.CHANGES)


def _record_projects() -> tuple[Project, ...]:
    """The records as projects: they can be trained by their names, and are listed by `greycard records`."""
    from greycard.projects.records import candidates  # it imports this package's modules

    return tuple(Project(each.recipe, each.gain) for each in candidates())


def _own_projects() -> tuple[Project, ...]:
    made = map(as_project, _RECIPES)
    return tuple(replace(project, published=_PUBLISHED.get(project.name)) for project in made)
