"""Print the oldest releases that pyproject.toml allows, as a pip constraints file: `python tools/oldest.py`.

`make test-oldest` installs these and runs the tests, so that no lower bound is a guess.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def constraints(project: dict[str, dict[str, list[str]]], extras: Iterable[str]) -> list[str]:
    """`name==version` for each requirement of the project and of those extras that this platform installs.

    Args:
        project: the `[project]` table of a pyproject.toml.
        extras: names of optional dependencies; those that they include in turn are followed.

    Raises:
        ValueError: a requirement states no lower bound.
    """
    needed = [Requirement(line) for line in project["dependencies"]]
    needed += _of_extras(project, extras)
    return sorted({f"{each.name}=={_lowest(each)}" for each in needed if each.marker is None or each.marker.evaluate()})


def _of_extras(project: dict[str, dict[str, list[str]]], extras: Iterable[str]) -> Iterator[Requirement]:
    for extra in extras:
        for line in project["optional-dependencies"][extra]:
            requirement = Requirement(line)
            if requirement.name == project["name"]:
                yield from _of_extras(project, sorted(requirement.extras))
            else:
                yield requirement


def _lowest(requirement: Requirement) -> str:
    bounds = [bound.version for bound in requirement.specifier if bound.operator in (">=", "==", "~=")]
    if not bounds:
        raise ValueError(f"{requirement} has no lower bound")
    return bounds[0]


if __name__ == "__main__":
    found = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    print("\n".join(constraints(found, ["dev"])))
