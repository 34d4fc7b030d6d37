"""The settings of a sweep: fields with several values each, and seeds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from greycard.core.errors import GreycardError
from greycard.core.values import plain
from greycard.recipe.names import canonical
from greycard.recipe.settings import as_setting, parse_value

_COMMA = re.compile(r",(?![^(\[]*[)\]])")
"""A comma outside brackets: `(32,64),(32,64,128)` are two values."""

_MOST_SEEDS = 1000


@dataclass(frozen=True)
class Varied:
    """A field of the recipe and the values that a sweep tries, two or more.

    Attributes:
        field: its name, as `--set` takes it.
        values: all different.
    """

    field: str
    values: tuple[Any, ...]


def parse_varied(words: Iterable[str]) -> dict[str, tuple[Any, ...]]:
    """Convert options like `learning_rate=0.003,0.001` or `conv=(32,64),(32,64,128)` to the values of each field.

    Raises:
        GreycardError: an option has no `=`, the field is unknown, or it is there twice.
    """
    found: dict[str, tuple[Any, ...]] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            hint = "for example --vary learning_rate=0.003,0.001"
            raise GreycardError(f"--vary expects field=value,value. Received: {word!r}", hint=hint)
        values = tuple(parse_value(each.strip()) for each in _COMMA.split(text))
        field = _field(name.strip(), values, "--vary knows")
        if field in found:
            raise GreycardError(
                f"--vary {field} is there twice", hint=f"name all values once: --vary {field}={_listed(values)},…"
            )
        found[field] = values
    return found


def varied_fields(vary: Mapping[str, Sequence[Any]], fixed: Mapping[str, Any]) -> tuple[Varied, ...]:
    """The fields of a sweep, checked.

    Args:
        vary: the values of each field.
        fixed: other settings of the sweep.

    Raises:
        GreycardError: a field is unknown or also fixed, has fewer than two values, or a value twice.
    """
    return tuple(_varied(name, values, canonical(fixed)) for name, values in vary.items())


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds from text: `0-4`, `0,1,7`, or both as in `0-2,7`.

    Raises:
        GreycardError: it is no such text, a range is empty, or a seed is there twice.
    """
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if match is None:
            raise GreycardError(
                f"seeds are whole numbers and ranges. Received: {text!r}", hint="for example --seeds 0-4"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise GreycardError(f"the range of seeds {part.strip()} is empty", hint=f"--seeds {last}-{first}")
        if last - first >= _MOST_SEEDS:
            raise GreycardError(f"{part.strip()} are {last - first + 1:,} seeds; at most {_MOST_SEEDS:,} are possible",
                                hint="for example --seeds 0-4")  # fmt: skip
        found += range(first, last + 1)
    return checked_seeds(found)


def checked_seeds(seeds: Iterable[Any]) -> tuple[int, ...]:
    """Different whole numbers of at least 0.

    Raises:
        GreycardError: they are not.
    """
    found = tuple(plain(seed) for seed in seeds)
    for seed in found:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise GreycardError(f"a seed is a whole number of at least 0. Received: {seed!r}", hint="for example 0")
        if found.count(seed) > 1:
            raise GreycardError(f"the seed {seed} is there twice", hint="name each seed once")
    return found


def combinations(varied: Sequence[Varied]) -> list[dict[str, Any]]:
    """Every combination of the values, in order; one without settings if nothing varies."""
    return [
        dict(zip((each.field for each in varied), values, strict=True))
        for values in product(*(each.values for each in varied))
    ]


def _varied(name: str, given: Sequence[Any], fixed: Mapping[str, Any]) -> Varied:
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise GreycardError(f"{name} needs a list of values. Received: {given!r}", hint=f"for example {name}=[…, …]")
    values = tuple(plain(value) for value in given)
    field = _field(name, values, "a recipe has")
    if field == "seed":
        raise GreycardError(
            "the seed is not varied as other fields are", hint="--seeds 0-4 trains each with five seeds"
        )
    if field in fixed:
        raise GreycardError(
            f"{field} is both set and varied",
            hint=f"leave out {field}={as_setting(fixed[field])}, or vary another field",
        )
    texts = [as_setting(value) for value in values]
    if len(values) < 2:
        only = texts[0] if texts else "…"
        raise GreycardError(
            f"{field} needs two or more values to vary. Received: {only}", hint=f"--set {field}={only} sets one"
        )
    twice = next((text for text in texts if texts.count(text) > 1), None)
    if twice is not None:
        raise GreycardError(f"{field} has the value {twice} twice", hint="name each value once")
    return Varied(field, values)


def _field(name: str, values: Sequence[Any], what: str) -> str:
    """The canonical name of a field that takes these values."""
    names = {field for value in values or (None,) for field in canonical({name: value}, what)}
    if len(names) > 1:
        raise GreycardError(
            f"{name} cannot be varied between a whole part and its kind", hint=f"vary the fields of {name} instead"
        )
    return names.pop()


def _listed(values: Sequence[Any]) -> str:
    return ",".join(f"({as_setting(value)})" if isinstance(value, tuple) else as_setting(value) for value in values)
