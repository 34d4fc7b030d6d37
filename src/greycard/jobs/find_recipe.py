"""The recipe that a user names: of a project, a recipe file or a file of projects."""

from __future__ import annotations

from pathlib import Path

from greycard.core.errors import GreycardError, command
from greycard.datasets.dataset import Dataset
from greycard.datasets.source import is_source
from greycard.projects import Project, find_project, projects
from greycard.projects.outside import is_project_file, projects_in
from greycard.recipe import Recipe


def find_projects(name: str | Path) -> tuple[Project, ...]:
    """What `greycard run` trains for a name: a project, a recipe file's recipe, or all projects of a Python file.

    Raises:
        GreycardError: no such project or file, or one that holds none.
    """
    if is_project_file(name):
        return projects_in(name)
    return (Project(Recipe.load(name)),) if _is_recipe_file(name) else (find_project(str(name)),)


def find_recipe(name: str | Path) -> Recipe:
    """The one recipe that a project's name or a file stands for.

    Raises:
        GreycardError: as `find_projects`; or a file with several projects.
    """
    return _the_only(find_projects(name), name).recipe


def project_of(what: object) -> Project | None:
    """The project, or the recipe as one, that `train` was given; None for what names data.

    Raises:
        GreycardError: neither of them.
    """
    if isinstance(what, Project):
        return what
    if isinstance(what, Recipe):
        return Project(what)
    if isinstance(what, str | Path) and (is_project_file(what) or _is_recipe_file(what)):
        return _the_only(find_projects(what), what)
    if isinstance(what, str) and not Path(what).exists():
        return _named(what)
    if isinstance(what, str) and what in {project.name for project in projects()}:
        return find_project(what)
    if isinstance(what, str | Path | Dataset) or is_source(what):
        return None
    raise GreycardError(
        "train takes a project's name, a recipe or its file, a dataset, a source, or the path of a folder or file of"
        f" images. Received: {type(what).__name__}",
        hint="for example train('digits-cnn'), or train('pets')",
    )


def _named(what: str) -> Project:
    """The project of a name that is no path."""
    try:
        return find_project(what)
    except GreycardError as error:
        raise GreycardError(f"{what} does not exist, and there is no project of that name", hint=error.hint) from error


def _the_only(found: tuple[Project, ...], name: str | Path) -> Project:
    if len(found) == 1:
        return found[0]
    names = ", ".join(each.name for each in found)
    raise GreycardError(
        f"{name} has {len(found)} projects ({names}); expected one", hint=f"`{command('run', name)}` trains all of them"
    )


def _is_recipe_file(what: str | Path) -> bool:
    return Path(what).suffix.lower() in (".yaml", ".yml", ".json") and not Path(what).is_dir()
