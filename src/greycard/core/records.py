"""Frozen dataclasses as JSON and back: a record's fields and their types are its schema."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from greycard.core.errors import GreycardError

_Record = TypeVar("_Record")


@dataclass(frozen=True)
class Limits:
    """The smallest and the largest value that a number may have."""

    low: float
    high: float = math.inf

    def __str__(self) -> str:
        return f"{self.low:g} or more" if self.high == math.inf else f"between {self.low:g} and {self.high:g}"


Count = Annotated[int, Limits(0)]
Number = Annotated[int, Limits(1)]
"""Limits of a count of at least 1, or of a number that counts from 1."""

Seconds = Annotated[float, Limits(0)]
Fraction = Annotated[float, Limits(0, 1)]

_WORDS = {float: "a finite number", int: "a whole number", bool: "true or false", str: "a string"}


def to_json(record: Any) -> dict[str, Any]:
    """Every field by its name: nested records as objects, tuples as lists."""
    return {field.name: _plain(getattr(record, field.name)) for field in fields(record)}


def from_json(kind: type[_Record], content: Any) -> _Record:
    """Create a record from the output of `to_json`.

    Args:
        kind: a dataclass; its fields are numbers, strings, other records, and tuples, lists or mappings of them.
        content: parsed JSON.

    Raises:
        GreycardError: a field is missing, unknown, of another type, or not finite.
    """
    return cast(_Record, _record(kind, content, ""))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return to_json(value)
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, Mapping) else value


def _record(kind: Any, content: Any, name: str) -> Any:
    if not isinstance(content, dict):
        raise _wrong(name or "the content", content, "an object")
    types = _types(kind)
    for problem, names in (("missing", types.keys() - content.keys()), ("unknown", content.keys() - types.keys())):
        if names:
            raise _damaged(f"the field {_path(name, sorted(names)[0])} is {problem}")
    return kind(**{each: _value(types[each], content[each], _path(name, each)) for each in types})


@cache
def _types(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _value(kind: Any, value: Any, name: str) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        inner = next(each for each in args if each is not NoneType)
        return None if value is None else _value(inner, value, name)
    if origin is Annotated:
        return _limited(_value(args[0], value, name), args[1], name)
    if origin in (tuple, list):
        return origin(_items(args, value, name))
    if is_dataclass(kind):
        return _record(kind, value, name)
    if origin is None:
        return _scalar(kind, value, name)
    if not isinstance(value, dict):
        raise _wrong(name, value, "an object")
    return {key: _value(args[1], each, _path(name, key)) for key, each in value.items()}


def _items(kinds: tuple[Any, ...], value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(name, value, "a list")
    if len(kinds) == 1 or kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise _wrong(name, value, f"a list of {len(kinds)}")
    return [_value(kind, each, f"{name}[{place}]") for place, (kind, each) in enumerate(zip(kinds, value, strict=True))]


def _scalar(kind: Any, value: Any, name: str) -> Any:
    if kind is float and type(value) is int and abs(value) < 2**53:
        return float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise _wrong(name, value, _WORDS[kind])
    return value


def _limited(number: Any, limits: Limits, name: str) -> Any:
    if not limits.low <= number <= limits.high:
        raise _wrong(name, number, str(limits))
    return number


def _path(name: str, inner: str) -> str:
    return f"{name}.{inner}" if name else inner


def _wrong(name: str, value: Any, expected: str) -> GreycardError:
    shown = repr(value)
    return _damaged(f"{name} must be {expected}. Received: {shown[:60]}{'…' if len(shown) > 60 else ''}")


def _damaged(sentence: str) -> GreycardError:
    return GreycardError(sentence, hint="the file is damaged, or another version of Greycard wrote it")
