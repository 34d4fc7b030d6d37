"""Plain English and the field's terms: words of an earlier dialect, and names that were replaced, do not come back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

REPLACED = {
    r"anew": "again",
    r"told of": "reported, or: warns once",
    r"(go|goes|going|gone) on with": "resume, continue",
    r"that (is|are) none": "invalid, or: NaN or infinity",
    r"(is|are) no numbers?": "NaN or infinity",
    r"(came|come|comes) of it": "the result",
    r"held against": "compared with",
    r"(is|are) looked at": "is checked",
    r"likewise": "also",
    r"whatever": "any, all",
    r"as they are": "unchanged, unaugmented",
    r"of their own": "separate, own",
    r"at hand|at_hand": "available",
    r"pictures?": "image",
    r"Keeper|keeper\.py": "Checkpointer",
    r"as_place": "absolute_path",
    r"servable": "calibrated_model",
    r"(whole_files|write_whole)": "atomic_files, atomic_write",
    r"greycard[./]doctor|(?<![\w/])doctor/": "audit",
    r"greycard[./]workflow|(?<![\w/])workflow/": "jobs",
}
"""A pattern of whole words, in any case, and what to write in its place."""

FORBIDDEN = re.compile("|".join(rf"(?<!\w)(?:{words})(?!\w)" for words in REPLACED), re.IGNORECASE)
GENERATED = re.compile(r"<!-- generated: \S+ -->.*?<!-- end -->", re.DOTALL)

DOCS = (
    "README.md",
    "docs/**/*.md",
    "docs/*.py",
    "benchmarks/page.py",
    "benchmarks/table.py",
    "torture/page.py",
)
SOURCE = ("src/greycard/**/*.py", "src/greycard/**/*.html", "src/greycard/**/*.js")

USERS_WORDS = ("src/greycard/datasets/columns.py", "src/greycard/datasets/parquet.py")
"""Files with the column names that users' tables have, such as `picture`."""


def _files(*patterns: str) -> Iterator[Path]:
    found = (path for pattern in patterns for path in sorted(ROOT.glob(pattern)))
    return (path for path in found if _by_name(path) not in USERS_WORDS)


def _by_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


CHECKED = [
    *_files(*DOCS),
    *_files(*SOURCE),
]


def _without_generated(text: str) -> str:
    """Blank the generated blocks, which repeat the source and result files; line numbers stay."""
    return GENERATED.sub(lambda block: "\n" * block[0].count("\n"), text)


def _found(text: str) -> list[str]:
    lines = text.splitlines()
    return [f"line {number}: {hit[0]!r}" for number, line in enumerate(lines, 1) for hit in FORBIDDEN.finditer(line)]


@pytest.mark.parametrize("path", CHECKED, ids=_by_name)
def test_replaced_words_do_not_come_back(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = _found(_without_generated(text) if path.suffix == ".md" else text)
    assert not found, f"plain words instead (REPLACED in this file): {found}"


@pytest.mark.parametrize(
    "sentence", ["It is made anew.", "Pictures as they are", "a Keeper", "greycard/doctor/check.py", "told of once"]
)
def test_the_patterns_find_whole_words(sentence: str) -> None:
    assert _found(sentence)


@pytest.mark.parametrize("sentence", ["renewed", "the dataset check", "a housekeeper", "src/jobs/workflows"])
def test_the_patterns_find_nothing_else(sentence: str) -> None:
    assert not _found(sentence)
