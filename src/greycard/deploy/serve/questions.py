"""The query parameters of a request, validated: which models, how many classes, with or without a heat map."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from greycard.deploy.serve.limits import RefusedError

PARAMETERS = ("model", "top", "heat")
MOST_CLASSES = 1000
_YES, _NO = ("true", "1", "yes"), ("false", "0", "no")
_SHOWN = 80
"""How many characters of an untrusted value an error message repeats."""


@dataclass(frozen=True)
class Question:
    """The options for all images of a request.

    Attributes:
        models: unique names.
        top: number of the most likely classes to return.
        heat: whether to draw a heat map.
    """

    models: tuple[str, ...]
    top: int
    heat: bool


def read_question(query: QueryParams, models: Sequence[str]) -> Question:
    """Read the options from a request's query string.

    Raises:
        RefusedError: 404 for a model that is not served, 400 for any other invalid value.
    """
    expect_known(query, PARAMETERS)
    return Question(_models(query.getlist("model"), models), _top(_once(query, "top", "5")), _heat(query))


def expect_known(query: QueryParams, known: Collection[str]) -> None:
    """Reject unknown parameters with status 400, because a mistyped one must not be ignored."""
    unknown = next((name for name in query if name not in known), None)
    if unknown is not None:
        expected = f"expected {', '.join(known)}" if known else "this path takes no parameters"
        raise RefusedError(400, f"there is no parameter {unknown[:_SHOWN]!r}; {expected}")


def _models(requested: Sequence[str], served: Sequence[str]) -> tuple[str, ...]:
    unknown = next((name for name in requested if name not in served), None)
    if unknown is not None:
        raise RefusedError(404, f"there is no model {unknown[:_SHOWN]!r}; expected one of {', '.join(served)}")
    return tuple(dict.fromkeys(requested or served))


def _top(word: str) -> int:
    if not (word.isascii() and word.isdigit() and 1 <= int(word[:9]) <= MOST_CLASSES):
        raise RefusedError(400, f"top must be a whole number from 1 to {MOST_CLASSES}. Received: {word[:_SHOWN]!r}")
    return int(word)


def _heat(query: QueryParams) -> bool:
    word = _once(query, "heat", "false").lower()
    if word not in (*_YES, *_NO):
        allowed = f"{', '.join(_YES)}, or {', '.join(_NO)}"
        raise RefusedError(400, f"heat must be one of {allowed}. Received: {word[:_SHOWN]!r}")
    return word in _YES


def _once(query: QueryParams, name: str, default: str) -> str:
    values = query.getlist(name) or [default]
    if len(values) > 1:
        raise RefusedError(400, f"{name} must be given once. Received: {len(values)} times")
    return values[0]
