"""Help and listings as a newcomer reads them: commands in groups, whole sentences, examples first, 80 columns."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from os import terminal_size

import click
import pytest

from greycard.cli.group import GROUPS
from greycard.cli.listing import listing
from greycard.cli.main import cli as group
from greycard.core.fields import Field
from greycard.recipe import Recipe
from greycard.recipe.describe import described_parts
from greycard.recipe.settings import as_setting


@pytest.fixture(params=[80, 100])
def columns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return request.param


def _paths(known: click.Group, *before: str) -> Iterator[tuple[str, ...]]:
    for name, each in known.commands.items():
        yield (*before, name)
        if isinstance(each, click.Group):
            yield from _paths(each, *before, name)


EVERY = [(), *_paths(group)]


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_help_fits_the_terminal_and_cuts_nothing(words: tuple[str, ...], columns: int, cli) -> None:
    said = cli(*words, "--help")
    assert said.code == 0
    assert max(map(len, said.out.splitlines())) <= columns
    assert "..." not in re.sub(r"[A-Z]\]?\.\.\.", "", said.out)  # an argument that may be repeated


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_examples_come_before_the_options(words: tuple[str, ...], cli) -> None:
    lines = cli(*words, "--help").out.splitlines()
    if words == ("cache", "clear"):
        return
    example = next(number for number, line in enumerate(lines) if line.startswith("  greycard "))
    assert example < lines.index("Options:")


def test_every_command_is_in_one_group_with_one_whole_sentence(cli) -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(group.commands)
    lines = cli("--help").out.splitlines()
    assert [line for line in lines if line in {f"{title}:" for title in GROUPS}] == [f"{title}:" for title in GROUPS]
    for name in grouped:
        line = next(line for line in lines if line.startswith(f"  {name} "))
        assert line.endswith("."), line
        assert len(line) <= 80


FIELDS = [field for fields in described_parts().values() for field in fields]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_recipe_lists_every_field_with_default_values_and_meaning(field: Field, cli) -> None:
    said = " ".join(cli("recipe").out.split())
    default = "…" if field.required else as_setting(field.default)
    assert f" {field.name}={default} {field.meaning} [{field.allowed}]" in said
    assert field.meaning.endswith(".")


def test_recipe_lists_the_same_fields_as_json(cli) -> None:
    listed = json.loads(cli("recipe", "--format", "json").out)
    assert {part: [field["name"] for field in fields] for part, fields in listed.items()} == {
        part: [field.name for field in fields] for part, fields in described_parts().items()
    }
    assert all(field["meaning"] and field["allowed"] for fields in listed.values() for field in fields)


@pytest.mark.parametrize("name", ["digits-cnn", "horses-humans-cnn-augmented", "house-prices", "cats-dogs-3k-transfer"])
def test_recipe_prints_a_projects_own(name: str, cli) -> None:
    from greycard import project
    from greycard.recipe.yaml_text import read_yaml

    assert Recipe.from_json(json.loads(cli("recipe", name, "--format", "json").out)) == project(name)
    said = cli("recipe", name).out
    assert Recipe.from_json(read_yaml(said)) == project(name)
    assert max(map(len, said.splitlines())) <= 100


def test_recipe_of_no_project_names_those_that_are_near(cli) -> None:
    said = cli("recipe", "digits")
    assert (said.code, "did you mean digits-cnn?" in said.err) == (2, True)


def test_a_listing_leaves_out_columns_for_a_narrow_terminal_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"name": "a", "what": "x" * 30, "size": "1 MB"}, {"name": "bb", "what": "y", "size": "20 MB"}]
    assert "what" in listing(rows, ("what",))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: terminal_size((20, 24)))
    assert listing(rows, ("what",)).splitlines() == [
        "name  size", "────  ─────", "a     1 MB", "bb    20 MB", "(not shown, to fit: what)",
    ]  # fmt: skip


@pytest.mark.parametrize(("words", "wanted"), [(("projects",), "digits-cnn"), (("fetch",), "sign-language-mnist")])
def test_listings_are_aligned(words: tuple[str, ...], wanted: str, cli) -> None:
    lines = cli(*words).out.splitlines()
    column = re.search(r"data\b(?!set)", lines[0]).start()  # type: ignore[union-attr]
    assert {line[column:].split()[0] for line in lines[2 : lines.index("")]} <= {"here", "missing"}
    assert any(line.startswith(wanted) for line in lines)
