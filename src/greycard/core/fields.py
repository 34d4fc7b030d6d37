"""The fields of a record that users set: their allowed values, defaults and meanings."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from greycard.core.errors import GreycardError
from greycard.core.suggestions import did_you_mean

Check = tuple[str, Callable[[Any], bool], str, str]
"""A field's name, a test for valid values, the valid values in words, and an example as `--set` takes it."""


class OneOf(tuple[Any, ...]):
    """A check that accepts only these values."""

    def __call__(self, value: Any) -> bool:
        return value in self


@dataclass(frozen=True)
class Field:
    """The description of one field.

    Attributes:
        name: the name that `--set` uses.
        default: the value if the user sets nothing.
        required: True if the field has no default.
        allowed: the valid values, in words.
        meaning: what the field does, in one line.
    """

    name: str
    default: Any
    required: bool
    allowed: str
    meaning: str


def expect_good_values(record: Any, checks: Iterable[Check]) -> None:
    """Raise a GreycardError for the first field whose value is not valid."""
    for name, good, expected, example in checks:
        value = getattr(record, name)
        if not good(value):
            options = [each for each in good if each] if isinstance(good, OneOf) else []
            hint = did_you_mean(value, options, f"for example {name}={example}")
            raise GreycardError(f"{name} must be {expected}. Received: {value!r}", hint=hint)


def described(kind: type, checks: Iterable[Check]) -> tuple[Field, ...]:
    """The descriptions of a dataclass's fields, in order.

    Args:
        kind: the dataclass; its docstring explains each field under `Attributes:`.
        checks: one check for each field.
    """
    explained, rules = meanings(kind), {name: (good, expected) for name, good, expected, _ in checks}
    return tuple(_described(field, *rules[field.name], explained[field.name]) for field in dataclasses.fields(kind))


def _described(field: Any, good: Callable[[Any], bool], expected: str, meaning: str) -> Field:
    required = field.default is dataclasses.MISSING
    takes_none = good(None) or field.default == ()
    allowed = expected if "none" in expected or not takes_none else f"{expected}, or none"
    return Field(field.name, None if required else field.default, required, allowed, meaning)


def meanings(kind: type) -> dict[str, str]:
    """The descriptions under `Attributes:` in a class's docstring, by name."""
    text = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")[2] + "\n"
    found = re.findall(r"^    (\w+): (.+?)(?=^    \w+: |\Z)", text, re.MULTILINE | re.DOTALL)
    return {name: " ".join(words.split()) for name, words in found}
