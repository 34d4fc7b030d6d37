"""The common base of a recipe's parts: frozen, checked when created, and converted to and from JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from greycard.core.errors import GreycardError
from greycard.core.fields import Check, expect_good_values
from greycard.core.values import plain


class Config:
    """The base of a part's frozen dataclass.

    Attributes:
        CHECKS: the allowed values of each field.
        ONLY_FOR: the kinds that have a setting, by its name; all kinds have the others.
        BY_KIND: the default of each kind, for a setting whose value None stands for it.
    """

    CHECKS: ClassVar[tuple[Check, ...]] = ()
    ONLY_FOR: ClassVar[Mapping[str, Sequence[str]]] = {}
    BY_KIND: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = _as_annotated(plain(getattr(self, field.name)), str(field.type))
            if value is None and field.name in self.BY_KIND:
                value = _of_kind(self.BY_KIND[field.name], getattr(self, "kind", None))
            object.__setattr__(self, field.name, value)
        expect_good_values(self, self.CHECKS)


def changed(config: Config, fields: Mapping[str, Any]) -> Config:
    """A copy with other values.

    A new `kind` starts without the settings that it does not have, and with its own default where that is another one.
    """
    before = getattr(config, "kind", None)
    kind = plain(fields.get("kind", before))
    lost = [name for name, kinds in config.ONLY_FOR.items() if kind not in kinds] if "kind" in fields else []
    lost += [
        name for name, defaults in config.BY_KIND.items() if _of_kind(defaults, kind) != _of_kind(defaults, before)
    ]
    defaults = {name: getattr(type(config), name) for name in lost}
    return dataclasses.replace(config, **defaults | dict(fields))  # type: ignore[type-var]


def _of_kind(defaults: Mapping[str, Any], kind: object) -> Any:
    """The default of a kind; None for an unknown one, which can be of any type."""
    return next((value for name, value in defaults.items() if name == kind), None)


def values_of(config: Any) -> dict[str, Any]:
    """A config's fields and values, in order; for a model, its family comes first as `kind`."""
    kind = {"kind": config.kind} if hasattr(config, "kind") else {}
    return kind | {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}


def to_json(config: Any) -> dict[str, Any] | None:
    """A config's fields and values in JSON types: lists instead of tuples."""
    return None if config is None else json.loads(json.dumps(values_of(config)))


def given_in(config: Any) -> dict[str, Any] | None:
    """The values that differ from their fields' defaults; for a model, its family, too."""
    if config is None:
        return None
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    return {name: value for name, value in values_of(config).items() if name not in defaults or value != defaults[name]}


def from_json(value: Any) -> Any:
    """Replace JSON's lists by tuples."""
    return tuple(map(from_json, value)) if isinstance(value, list) else value


def _as_annotated(value: Any, annotation: str) -> Any:
    """Convert a list, a number or a text to a tuple, and an integer to a float, as annotated; checks refuse the rest.

    A text is a list of names, separated by commas.
    """
    if annotation.startswith("tuple"):
        if "str" in annotation and isinstance(value, str):
            return tuple(name.strip() for name in value.split(","))
        if whole(0)(value) or (isinstance(value, float) and "float" in annotation):
            return (value,) * (2 if "tuple[int, int]" in annotation else 1)
        empty = () if value is None and "None" not in annotation else value
        return tuple(value) if isinstance(value, list) else empty
    return float(value) if annotation.startswith("float") and whole(0)(value) else value


def expect_settings_of_kind(config: Any, part: str, only_for: Mapping[str, Sequence[str]]) -> None:
    """Refuse a setting that would have no effect for the config's kind.

    Args:
        config: with a `kind`.
        part: its name in a recipe.
        only_for: the kinds that have a setting, by its name.

    Raises:
        GreycardError: another kind's setting does not have its default.
    """
    for name, kinds in only_for.items():
        if config.kind not in kinds and getattr(config, name) != getattr(type(config), name):
            owners = f"{', '.join(kinds[:-1])} and {kinds[-1]} have it" if len(kinds) > 1 else f"{kinds[0]} has it"
            hint = f"leave {name} out, or set {part}={kinds[0]}"
            raise GreycardError(f"the {part} {config.kind} has no {name}; {owners}", hint=hint)


def whole(least: int, most: float = math.inf) -> Callable[[Any], bool]:
    """A whole number from `least` to `most`."""
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def number(above: float, most: float) -> Callable[[Any], bool]:
    """A finite number above `above`, up to `most`."""
    most = min(most, sys.float_info.max)
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and above < value <= most


def optional(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """None, or a value that passes the check."""
    return lambda value: value is None or check(value)


def whole_numbers(values: Any) -> bool:
    """A tuple of whole numbers from 1 on."""
    return isinstance(values, tuple) and all(map(whole(1), values))


def text(value: Any) -> bool:
    """A text that is not empty."""
    return isinstance(value, str) and bool(value)


def share(value: Any) -> bool:
    """A fraction from 0 to below 1."""
    return isinstance(value, float) and 0 <= value < 1


def flag(value: Any) -> bool:
    """True or false."""
    return isinstance(value, bool)


COUNT = "a whole number from 1 on"
COUNTS = "whole numbers from 1 on"
SHARE = "a fraction from 0 to below 1"
SEED = "a whole number from 0 to 4294967295"
MOST_SEED = 2**32 - 1
