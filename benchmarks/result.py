"""A result file: rows of figures, each with the command, commit, date and machine that it comes from.

The file is written whole after every row, so that an interrupted measurement keeps what it has.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from greycard.core.atomic_files import atomic_write
from greycard.core.processor import instruction_set
from greycard.datasets.open import is_present


class Named(Protocol):
    """What is chosen by its name."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)

HERE = Path(__file__).parent
SPEED = HERE / "results" / "speed"
_ENVIRONMENT = (
    "import json; from greycard import backend; backend.configure();"
    "from greycard.runs.environment import environment; print(json.dumps(environment(backend.describe())))"
)


class ResultFile:
    """`results/speed/NAME.json`, in which a new row takes the place of an earlier one of the same key.

    Args:
        name: the file's, without its ending.
        key: the fields that tell rows apart; a row need not have all of them.
        keep: whether anything is written; each row is printed either way.
        folder: where the file lies.
    """

    def __init__(self, name: str, key: tuple[str, ...], *, keep: bool = True, folder: Path = SPEED) -> None:
        self.path, self.key, self.keep = folder / f"{name}.json", key, keep
        self.measured = {"command": command(), "commit": commit(), "date": today(), "environment": environment()}

    def put(self, row: Mapping[str, Any]) -> None:
        """Add a row, or measure it anew, and keep the others."""
        print(json.dumps(row), flush=True)
        if not self.keep:
            return
        rows = self.rows()
        places = [place for place, other in enumerate(rows) if self._key(other) == self._key(row)]
        place = places[0] if places else len(rows)
        rows[place : place + 1] = [{**row, "measured": self.measured}]
        write(self.path, {"rows": rows})

    def prune(self, is_current: Callable[[Mapping[str, Any]], bool]) -> None:
        """Let go of rows of what is no longer measured."""
        if self.keep and self.path.is_file():
            write(self.path, {"rows": [row for row in self.rows() if is_current(row)]})

    def rows(self) -> list[dict[str, Any]]:
        return json.loads(self.path.read_text(encoding="utf-8"))["rows"] if self.path.is_file() else []

    def _key(self, row: Mapping[str, Any]) -> list[Any]:
        return [row.get(name) for name in self.key]


def parser(text: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """The options that every measurement has; `text` is the script's docstring."""
    made = argparse.ArgumentParser(description=(text or "").splitlines()[0])
    made.add_argument("--rounds", type=int, default=rounds, help="measurements of each, in turn")
    made.add_argument("--quick", action="store_true", help="at the smallest size, to see that it works; keeps nothing")
    return made


def chosen(what: str, names: Sequence[str], known: Sequence[T], dataset_of: Callable[[T], str]) -> list[T]:
    """The named ones, or all; those without data are named on stderr.

    Args:
        what: a word for each of them.
        names: those that were asked for.
        known: all of them.
        dataset_of: the name of the dataset that one needs.
    """
    unknown = set(names) - {each.name for each in known}
    if unknown:
        expected = ", ".join(dict.fromkeys(each.name for each in known))
        raise SystemExit(f"there is no {what} {min(unknown)!r}; expected {expected}")
    here = []
    for each in known:
        if names and each.name not in names:
            continue
        if is_present(dataset_of(each)):
            here.append(each)
        else:
            print(f"note: {each.name} is left out: {dataset_of(each)} is not in GREYCARD_DATA", file=sys.stderr)
    return here


def write(path: Path, result: Mapping[str, Any]) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, json.dumps(result, indent=1) + "\n")


def command() -> str:
    """The command line in use, as one types it in the project's folder."""
    script = Path(sys.argv[0]).resolve()
    place = script.relative_to(HERE.parent) if script.is_relative_to(HERE.parent) else script.name
    return " ".join(["python", str(place), *map(_portable, sys.argv[1:])])


def _portable(word: str) -> str:
    """A word without the folders of this machine: of an absolute path only its name is left."""
    return Path(word).name if Path(word).is_absolute() else word


def commit() -> str:
    """What is checked out; told on stderr if the code has changes that this commit has not."""
    changed = _git("status", "--porcelain", "--", "../src", "*.py", "../torture/*.py")
    if changed:
        print(f"note: the code differs from its commit:\n{changed}", file=sys.stderr)
    return full_commit("HEAD")


def full_commit(name: str) -> str:
    """A commit by any name of it, as result files have it: twelve digits."""
    return _git("rev-parse", "--short=12", name)


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def environment() -> dict[str, Any]:
    """Machine and versions, asked of another process: this one loads no backend and stays small (child.py)."""
    facts = json.loads(subprocess.check_output([sys.executable, "-c", _ENVIRONMENT]))
    kept = {name: value for name, value in facts.items() if name not in ("schema", "started")}
    return kept | {"instructions": instruction_set()}


def _git(*words: str) -> str:
    return subprocess.check_output(["git", *words], cwd=HERE, text=True).rstrip()
