"""The fields of a record that users set: the values each one takes, its default, and what it means."""

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
"""A field's name, whether a value is good, the good values in words, and one of them as `--set` takes it."""


class OneOf(tuple[Any, ...]):
    """A check: whether a value is one of these."""

    def __call__(self, value: Any) -> bool:
        return value in self


@dataclass(frozen=True)
class Field:
    """One field, described.

    Attributes:
        name: as `--set` takes it.
        default: its value where nothing is set.
        required: whether it has no default.
        allowed: the values it takes, in words.
        meaning: what it is, in one line.
    """

    name: str
    default: Any
    required: bool
    allowed: str
    meaning: str


def expect_good_values(record: Any, checks: Iterable[Check]) -> None:
    """GreycardError for the first field whose value is not good."""
    for name, good, expected, example in checks:
        value = getattr(record, name)
        if not good(value):
            options = [each for each in good if each] if isinstance(good, OneOf) else []
            hint = did_you_mean(value, options, f"for example {name}={example}")
            raise GreycardError(f"{name} must be {expected}. Received: {value!r}", hint=hint)


def described(kind: type, checks: Iterable[Check]) -> tuple[Field, ...]:
    """Every field of a dataclass, in order.

    Args:
        kind: its docstring says under `Attributes:` what each field is.
        checks: one for each field.
    """
    told, rules = meanings(kind), {name: (good, expected) for name, good, expected, _ in checks}
    return tuple(_described(field, *rules[field.name], told[field.name]) for field in dataclasses.fields(kind))


def _described(field: Any, good: Callable[[Any], bool], expected: str, meaning: str) -> Field:
    required = field.default is dataclasses.MISSING
    takes_none = good(None) or field.default == ()
    allowed = expected if "none" in expected or not takes_none else f"{expected}, or none"
    return Field(field.name, None if required else field.default, required, allowed, meaning)


def meanings(kind: type) -> dict[str, str]:
    """What a class's docstring says under `Attributes:`, by name."""
    text = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")[2] + "\n"
    found = re.findall(r"^    (\w+): (.+?)(?=^    \w+: |\Z)", text, re.MULTILINE | re.DOTALL)
    return {name: " ".join(words.split()) for name, words in found}
