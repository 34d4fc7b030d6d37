"""`make check` and `make test` need only what the package and its `dev` extra install."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CHECKED = ("src", "benchmarks", "docs", "tests", "tools", "torture")


def _imported(path: Path) -> Iterator[str]:
    """The first part of the name of each module that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _with_all_they_need(names: set[str]) -> set[str]:
    """The names of distributions, and of all that these need."""
    found: set[str] = set()
    while names:
        found |= names
        needed = [Requirement(line) for name in names for line in _needs(name)]
        here = [each for each in needed if each.marker is None or each.marker.evaluate()]
        names = {str(canonicalize_name(each.name)) for each in here} - found
    return found


def _needs(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


def _declared() -> set[str]:
    """The distributions that `pip install .[dev]` asks for, extras of the project included."""
    waiting = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["dev"]]
    found: set[str] = set()
    for line in waiting:
        wanted = Requirement(line)
        if wanted.name == "greycard":
            waiting += [each for extra in wanted.extras for each in PROJECT["project"]["optional-dependencies"][extra]]
        else:
            found.add(canonicalize_name(wanted.name))
    return found


def _optional() -> set[str]:
    """The modules that the type checker skips where they are not installed."""
    return {name.removesuffix(".*") for name in PROJECT["tool"]["mypy"]["overrides"][0]["module"]}


@pytest.mark.parametrize("folder", CHECKED)
def test_each_imported_package_is_declared_for_development_or_optional_for_types(folder: str) -> None:
    files = list((ROOT / folder).rglob("*.py"))
    own = {path.stem for place in CHECKED for path in (ROOT / place).rglob("*.py")} | {"greycard"}
    third = {name for path in files for name in _imported(path)} - own - set(sys.stdlib_module_names) - _optional()
    known, holders = _with_all_they_need(_declared()), packages_distributions()
    undeclared = {name for name in third if not known & {canonicalize_name(each) for each in holders.get(name, ())}}
    assert files
    assert undeclared == set()
