"""Suggestions for an unknown name: known names with similar spelling; upper and lower case do not matter."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_SIMILAR = 0.65
"""From this share of common letters on, names are similar: `resnt` and `resnet`, but not `it's` and `digits`."""


def near(name: object, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names that are similar to `name`, the most similar first.

    Args:
        name: the name that the user gave; a value that is not a string has no similar names.
        known: the valid names.
        most: the maximum number of suggestions.
    """
    if not isinstance(name, str):
        return []
    by_letters: dict[str, list[str]] = {}
    for each in known:
        by_letters.setdefault(each.casefold(), []).append(each)
    found = get_close_matches(name.strip().casefold(), by_letters, n=most, cutoff=_SIMILAR)
    return [each for letters in found for each in by_letters[letters]][:most]


def did_you_mean(name: object, known: Iterable[str], otherwise: str) -> str:
    """A hint that lists similar names; `otherwise` if there are none."""
    found = near(name, known)
    return f"did you mean {', '.join(found)}?" if found else otherwise
