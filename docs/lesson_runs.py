"""Run a lesson's code unchanged, or with another seed or precision.

A lesson's claim must not depend on one seed or one processor: benchmarks/lessons.py measures it over several, and a
test asserts it.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import greycard

LESSONS = Path(__file__).resolve().parent / "lessons"
BLOCK = re.compile(r"```python\n(.*?)```\n?", re.DOTALL)


def lessons() -> list[Path]:
    """The lessons' pages, in order."""
    return sorted(LESSONS.glob("[0-9]*.md"), key=lambda page: int(page.stem.partition("-")[0]))


def code(text: str) -> list[str]:
    """A lesson's Python blocks, in order."""
    return BLOCK.findall(text)


def run_lesson(page: Path, **changes: Any) -> dict[str, Any]:
    """Run all blocks of a lesson in the current folder, as a script would.

    Args:
        page: the lesson.
        changes: fields of the recipe that every training in it gets, such as `seed=1` or `precision="float32"`.

    Returns:
        The names that the lesson defined, with their values.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    with mock.patch.object(greycard, "train", partial(greycard.train, **changes), create=True):
        exec(compile("\n".join(code(page.read_text(encoding="utf-8"))), page.name, "exec"), names)
    return names
