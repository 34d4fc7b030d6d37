"""Recipe files: YAML for people, JSON for programs; both contain the result of `Recipe.to_json`."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from greycard.core.errors import GreycardError
from greycard.core.output_files import expect_folder_of, write_output
from greycard.core.paths import as_path
from greycard.core.suggestions import near
from greycard.recipe.config import to_json
from greycard.recipe.describe import described_config, described_model, part_meanings
from greycard.recipe.names import PARTS, fields_by_part
from greycard.recipe.recipe import Recipe
from greycard.recipe.yaml_text import read_yaml, yaml_value

SUFFIXES = (".yaml", ".yml", ".json")
FORMAT = 2
"""The current format, nested in parts; the `schema` field in the file of a run."""

_WIDTH = 100


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe from a file.

    Args:
        path: a file that ends in `.yaml`, `.yml` or `.json`.

    Raises:
        GreycardError: the file does not exist or is not a recipe; the message names the file and the field.
    """
    place = as_path(path, "a recipe")
    _expect_suffix(place)
    if not place.is_file():
        siblings = place.parent.iterdir() if place.parent.is_dir() else ()
        found = near(str(place), [str(each) for each in siblings if each.suffix.lower() in SUFFIXES])
        hint = f"did you mean {', '.join(found)}?" if found else "`greycard recipe digits-cnn` prints one"
        raise GreycardError(f"{place} does not exist; expected a recipe", hint=hint)
    content = _content(place)
    try:
        return Recipe.from_json(content)
    except GreycardError as error:
        raise GreycardError(f"{place}: {error.args[0]}", hint=_in_a_file(error.hint, place)) from error


def save_recipe(recipe: Recipe, path: str | Path) -> Path:
    """Write a recipe to a new file; an existing file with other content is not replaced.

    Raises:
        GreycardError: the file exists, its folder does not, or its name has another ending.
    """
    place = as_path(path, "a recipe")
    _expect_suffix(place)
    written = as_json(recipe) if place.suffix.lower() == ".json" else as_yaml(recipe)
    if place.exists() and (not place.is_file() or place.read_bytes() != written.encode()):
        raise GreycardError(f"{place} already exists; nothing was overwritten", hint="name another file")
    expect_folder_of(place, may_be_missing=False)
    write_output(place, written)
    return place


def as_json(recipe: Recipe) -> str:
    """The recipe as indented JSON."""
    return json.dumps(recipe.to_json(), indent=2) + "\n"


def as_yaml(recipe: Recipe) -> str:
    """The recipe as YAML, with the meaning of each field as a comment."""
    title = f"# {recipe.architecture}, {recipe.training.length} on {recipe.data.dataset}"
    lines = ["".join(letter if letter.isprintable() else " " for letter in title)]
    lines += _commented({"name": recipe.name}, part_meanings(), "")
    for part in fields_by_part():
        config = getattr(recipe, part)
        values = to_json(config)
        if values is None:
            lines += ["", *_commented({part: None}, part_meanings(), "")]
            continue
        fields = described_model(recipe.model) if part == "model" else described_config(PARTS[part])
        meanings = {field.name: field.meaning for field in fields}
        lines += ["", f"{part}:", *_commented(values, meanings, "  ")]
    return "\n".join(lines) + "\n"


def _commented(values: Mapping[str, Any], meanings: Mapping[str, str], indent: str) -> list[str]:
    """`name: value  # meaning`, with aligned comments, shortened to the width of the line."""
    settings = {name: f"{indent}{name}: {yaml_value(value)}" for name, value in values.items()}
    column = max(map(len, settings.values())) + 2
    room = max(_WIDTH - column - 2, 40)
    return [f"{setting.ljust(column)}# {_short(meanings[name], room)}" for name, setting in settings.items()]


def _short(meaning: str, room: int) -> str:
    """As much of a sentence as the line has room for, up to its end or a semicolon; else `…`."""
    clauses = [found.start() for found in re.finditer(r"[.;]( |$)", meaning) if found.start() <= room]
    return meaning[: clauses[-1]] if clauses else textwrap.shorten(meaning, room, placeholder=" …")


def _content(place: Path) -> dict[str, Any]:
    """Read the fields in a file of the current format."""
    try:
        text = place.read_text(encoding="utf-8-sig")
        content = json.loads(text, object_pairs_hook=_once) if place.suffix.lower() == ".json" else read_yaml(text)
    except (OSError, ValueError, RecursionError) as error:
        hint = "`greycard recipe digits-cnn` shows a recipe"
        raise GreycardError(f"{place} cannot be read: {error}", hint=hint) from error
    if not isinstance(content, dict):
        received = type(content).__name__ if content is not None else "nothing"
        raise GreycardError(
            f"{place} is not a recipe; expected fields such as name and data. Received: {received}",
            hint="`greycard recipe digits-cnn` shows a recipe",
        )
    schema = content.pop("schema", FORMAT)
    if not isinstance(schema, int) or schema < FORMAT:
        raise GreycardError(
            f"{place} has recipe format {schema!r}; this Greycard reads format {FORMAT}",
            hint="write it like the recipe that `greycard recipe digits-cnn` prints",
        )
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} appears twice")
    return found


def _expect_suffix(place: Path) -> None:
    if place.suffix.lower() not in SUFFIXES:
        raise GreycardError(
            f"a recipe's file must end in {', '.join(SUFFIXES)}. Received: {place}",
            hint=f"for example {place.with_suffix('.yaml') if place.name else 'recipe.yaml'}",
        )


def _in_a_file(hint: str, place: Path) -> str:
    """The hint `for example conv=32,64` in the notation of the file."""
    name, equals, value = hint.removeprefix("for example ").partition("=")
    if not equals or not hint.startswith("for example "):
        return hint
    read = read_yaml(f"[{value}]" if "," in value else value)
    return "for example " + (
        json.dumps({name: read})[1:-1] if place.suffix == ".json" else f"{name}: {yaml_value(read)}"
    )
