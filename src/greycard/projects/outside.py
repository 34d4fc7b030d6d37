"""Projects from outside: of installed packages, by their entry points, and of a Python file."""

from __future__ import annotations

import runpy
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from greycard.core.errors import GreycardError, GreycardWarning
from greycard.core.suggestions import near
from greycard.projects.project import Project, as_project

GROUP = "greycard.projects"
"""The entry point group; each entry point names a `Project`, or a function that returns a `Project` or a `Recipe`."""

_EXAMPLE = "PROJECTS = [greycard.Project(recipe, 'what it shows')]"


def is_project_file(what: object) -> bool:
    """Whether this names a Python file."""
    return isinstance(what, str | Path) and Path(what).suffix == ".py" and not Path(what).is_dir()


def installed_projects(taken: set[str]) -> tuple[Project, ...]:
    """The projects of installed packages; a warning names each entry point that gives none.

    Args:
        taken: names that Greycard's own projects have.
    """
    found: dict[str, Project] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda each: (_package(each), each.name)):
        try:
            project = as_project(entry.load())
        except Exception as error:  # it runs another package's code
            _leave_out(entry, _said(error))
            continue
        if project.name in taken or project.name in found:
            _leave_out(entry, f"another project has the name {project.name!r}")
        else:
            found[project.name] = project
    return tuple(found.values())


def _leave_out(entry: EntryPoint, reason: str) -> None:
    told = f"the project {entry.value} of the package {_package(entry)} is left out: {reason}"
    warnings.warn(told, GreycardWarning, stacklevel=4)


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.value.partition(":")[0]


def projects_in(file: str | Path) -> tuple[Project, ...]:
    """The projects in a Python file's list `PROJECTS`. The file is executed.

    Raises:
        GreycardError: no such file, an error in it, no list, or a name that two projects have.
    """
    place = Path(file)
    if not place.is_file():
        beside = place.parent.glob("*.py") if place.parent.is_dir() else ()
        found = near(str(place), [str(each) for each in beside])
        hint = f"did you mean {', '.join(found)}?" if found else f"write one, with {_EXAMPLE}"
        raise GreycardError(f"{place} does not exist; expected a Python file of projects", hint=hint)
    with _errors_named(place), _its_folder_importable(place):
        given = runpy.run_path(str(place), run_name=place.stem).get("PROJECTS")
        if not isinstance(given, list | tuple) or not given:
            raise GreycardError("it has no list PROJECTS", hint=f"add {_EXAMPLE}")
        projects = tuple(map(as_project, given))
        twice = [name for name, count in Counter(project.name for project in projects).items() if count > 1]
        if twice:
            raise GreycardError(f"two projects have the name {twice[0]!r}", hint="rename one of them")
    return projects


@contextmanager
def _errors_named(file: Path) -> Iterator[None]:
    """Any error in the file as one sentence with the file and the line."""
    try:
        yield
    except (Exception, SystemExit) as error:
        line = _line_of(error, file)
        where = f"{file}, line {line}" if line else str(file)
        hint = error.hint if isinstance(error, GreycardError) else "correct the file"
        raise GreycardError(f"{where}: {_said(error)}", hint=hint) from error


@contextmanager
def _its_folder_importable(file: Path) -> Iterator[None]:
    """The file can import its neighbours, as a script can."""
    before = list(sys.path)
    sys.path.insert(0, str(file.resolve().parent))
    try:
        yield
    finally:
        sys.path[:] = before


def _line_of(error: BaseException, file: Path) -> int | None:
    if isinstance(error, SyntaxError):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return lines[-1] if lines else None


def _said(error: BaseException) -> str:
    """An error's first line; its kind, too, where it is not one of Greycard's."""
    text: Any = error.args[0] if isinstance(error, GreycardError | SyntaxError) and error.args else error
    first = str(text).strip().partition("\n")[0]
    return first if isinstance(error, GreycardError) else f"{type(error).__name__}: {first}"
