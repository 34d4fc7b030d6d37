"""Who trained a run: a name that the user gives with `--name`, shown in tables."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from greycard.core.errors import GreycardError

AUTHOR = "author.json"
"""The file of a run that has a name."""

_LONGEST = 40


@dataclass(frozen=True)
class Author:
    """The content of `author.json`.

    Attributes:
        name: 1 to 40 characters that can be printed, without spaces at its ends.

    Raises:
        GreycardError: it is no such name.
    """

    name: str

    def __post_init__(self) -> None:
        given: object = self.name
        name = unicodedata.normalize("NFC", given).strip() if isinstance(given, str) else ""
        if not 1 <= len(name) <= _LONGEST or not name.isprintable():
            raise GreycardError(
                f"a name has 1 to {_LONGEST} letters or other printable characters. Received: {given!r:.80}",
                hint="for example --name Ada",
            )
        object.__setattr__(self, "name", name)


def author_of(name: str | None) -> Author | None:
    """The author with a name; None for no name."""
    return None if name is None else Author(name)
