"""What somebody may have meant by a name that is none: near in its letters, whatever their case."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def near(name: object, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names that come near, the nearest first.

    Args:
        name: as it was given; what is no text comes near nothing.
        known: the names there are.
        most: how many at most.
    """
    if not isinstance(name, str):
        return []
    by_letters: dict[str, list[str]] = {}
    for each in known:
        by_letters.setdefault(each.casefold(), []).append(each)
    found = get_close_matches(name.strip().casefold(), by_letters, n=most)
    return [each for letters in found for each in by_letters[letters]][:most]


def did_you_mean(name: object, known: Iterable[str], otherwise: str) -> str:
    """A hint: the names that come near, or else another one."""
    found = near(name, known)
    return f"did you mean {', '.join(found)}?" if found else otherwise
