"""Listings in aligned columns, limited to the width of the terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

Row = dict[str, str]
"""Column title to cell, in order."""


def listing(rows: Sequence[Row], hidden_first: Sequence[str] = ()) -> str:
    """Format rows below their titles; shows every column if stdout is not a terminal.

    Args:
        rows: at least one; all have the same titles.
        hidden_first: columns to hide if the terminal is too narrow, in this order.
    """
    widths = {title: max(len(title), *(len(row[title]) for row in rows)) for title in rows[0]}
    hidden = _hidden(widths, hidden_first)
    shown = [title for title in widths if title not in hidden]
    cells = [shown, ["─" * widths[title] for title in shown], *([row[title] for title in shown] for row in rows)]
    lines = ["  ".join(cell.ljust(widths[title]) for title, cell in zip(shown, line, strict=True)) for line in cells]
    more = [f"(not shown, to fit: {', '.join(hidden)})"] if hidden else []
    return "\n".join([*(line.rstrip() for line in lines), *more])


def _hidden(widths: dict[str, int], hidden_first: Sequence[str]) -> list[str]:
    if not (sys.stdout and sys.stdout.isatty()):
        return []
    available, hidden = shutil.get_terminal_size().columns, list[str]()
    for title in hidden_first:
        if sum(width + 2 for each, width in widths.items() if each not in hidden) - 2 <= available:
            break
        hidden.append(title)
    return hidden
