"""Names of the user's inside text that has a meaning of its own: Markdown, spreadsheets, a line of a terminal."""

from __future__ import annotations

import re

_MARKS = re.compile(r"[\\`*\[\]<>|~$&]|(?<!\w)_|_(?!\w)")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Verbatim(str):
    """Text for a Markdown template that is Markdown already."""

    __slots__ = ()


def one_line(name: str) -> str:
    """The name with line ends and other control characters as escapes such as `\\n`."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in name)


def markdown(text: str) -> str:
    """The text as Markdown shows it letter by letter, inside a table's cell, too."""
    return _MARKS.sub(r"\\\g<0>", one_line(text))


def markdown_sentence(sentence: str) -> Verbatim:
    """A sentence of Greycard's: commands in backticks stay code, everything else is escaped."""
    parts = sentence.split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner is part of a name
        return Verbatim(markdown(sentence))
    return Verbatim("".join(_code(part) if place % 2 else markdown(part) for place, part in enumerate(parts)))


def _code(command: str) -> str:
    return f"`{one_line(command)}`"


def markdown_code(text: str) -> Verbatim:
    """The text as inline code, whatever backticks it has."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if len(fence) > 1 else ""
    return Verbatim(f"{fence}{space}{one_line(text)}{space}{fence}")


def spreadsheet(cell: object) -> object:
    """A CSV cell that no spreadsheet takes for a formula; numbers stay as they are."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
