"""Escape user's names in formats with special characters: Markdown, spreadsheets, terminal lines."""

from __future__ import annotations

import re

_MARKS = re.compile(r"[\\`*\[\]<>|~$&]|(?<!\w)_|_(?!\w)")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Verbatim(str):
    """Text that is already Markdown; the template does not escape it."""

    __slots__ = ()


def one_line(name: str) -> str:
    """The name with line ends and other control characters as escapes such as `\\n`."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in name)


def markdown(text: str) -> str:
    """Escape the text for Markdown, also inside a table's cell."""
    return _MARKS.sub(r"\\\g<0>", one_line(text))


def markdown_sentence(sentence: str) -> Verbatim:
    """A sentence of Greycard: commands in backticks stay code, all other text is escaped."""
    parts = sentence.split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner is part of a name
        return Verbatim(markdown(sentence))
    return Verbatim("".join(_code(part) if place % 2 else markdown(part) for place, part in enumerate(parts)))


def _code(command: str) -> str:
    return f"`{one_line(command)}`"


def markdown_code(text: str) -> Verbatim:
    """The text as inline code, even if it contains backticks."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if len(fence) > 1 else ""
    return Verbatim(f"{fence}{space}{one_line(text)}{space}{fence}")


def spreadsheet(cell: object) -> object:
    """A CSV cell that a spreadsheet does not read as a formula; numbers are unchanged."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
