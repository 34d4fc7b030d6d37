"""Several labels per image in a table: lists in one column, or one column of 0 and 1 for each label.

What makes a table one of several labels is stated in docs/several.md; every other table has one label per image.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from greycard.core.errors import GreycardError
from greycard.datasets.tables import Table, short

SEPARATORS = (";", "|")
NO_LABEL = "none"
"""What a list says of an image that has none of the labels; an empty cell could be a label that was forgotten."""

_COMMA = ","
"""Separates no labels, because names of classes have commas, too."""

_NAMED = ("labels", "tags", "classes")
"""Columns with one of these names hold lists if there is one; other columns need more evidence."""

_SHARE = 0.05
"""With at least this share of rows with two labels or more, columns of 0 and 1 are several labels, and no mistake."""

_WRONG_SHARE = 0.1
_ZERO_ONE = ("0", "1", "0.0", "1.0")


def read_lists(table: Table, column: int) -> list[tuple[str, ...]] | None:
    """The labels of each row from a column of lists; None if its cells are one label each.

    Raises:
        GreycardError: two separators, an empty cell, or `none` together with labels.
    """
    cells = [row.cell(column) for row in table.rows]
    used = [each for each in SEPARATORS if any(len(_names(cell, each)) > 1 for cell in cells)]
    if not used or not (_is_named(table.header[column]) or any(_is_list(cells, each) for each in used)):
        return None
    if len(used) > 1:
        raise _two_separators(table, column, cells)
    lists = [_names(cell, used[0]) for cell in cells]
    _expect_complete(table, column, lists, used[0])
    return [tuple(sorted(set(names))) if not _says_none(names) else () for names in lists]


def separator_note(table: Table, column: int) -> list[str]:
    """A note if a column of one label each has separators in its names, or looks like lists separated by commas."""
    cells = [row.cell(column) for row in table.rows]
    if not any(len(_names(cell, each)) > 1 for cell in cells for each in SEPARATORS):
        return _comma_note(table, column, cells)
    return [
        f"the column {table.header[column]!r} of {table.place.name} has names with ; or | in them; each is read as one"
        " label. If they are lists of labels, name the column `labels`"
    ]


def _comma_note(table: Table, column: int, cells: Sequence[str]) -> list[str]:
    listed = next((cell for cell in cells if len(_names(cell, _COMMA)) > 1), None)
    if listed is None or not (_is_named(table.header[column]) or _is_list(cells, _COMMA)):
        return []
    return [
        f"{short(listed)} in the column {table.header[column]!r} of {table.place.name} looks like a list, and is read"
        f" as one label. Lists are separated by ; or |, such as {SEPARATORS[0].join(_names(listed, _COMMA)[:3])}"
    ]


def list_words(table: Table, column: int) -> str:
    """How the labels of `read_lists` were found."""
    cells = [row.cell(column) for row in table.rows]
    used = next(each for each in SEPARATORS if any(len(_names(cell, each)) > 1 for cell in cells))
    return f"the column {table.header[column]!r} has lists of labels, separated by {used!r}"


def column_words(columns: Sequence[int]) -> str:
    """How the labels of `read_columns` were found."""
    return f"{len(columns)} columns of 0 and 1, one for each label"


def is_zero_one(table: Table, columns: Sequence[int]) -> bool:
    """Whether the columns have only 0 and 1.

    Raises:
        GreycardError: nearly all cells are 0 or 1, and a few are not.
    """
    wrong = [(row, place) for row in table.rows for place in columns if row.cell(place) not in _ZERO_ONE]
    if not wrong:
        return True
    lines = sorted({row.line for row, _ in wrong})
    if len(columns) > 1 and len(lines) <= _WRONG_SHARE * len(table.rows):
        row, place = wrong[0]
        raise GreycardError(
            f"{lines_text(lines)} of {table.place} {'has' if len(lines) == 1 else 'have'} other values than 0 and 1,"
            f" such as {short(row.cell(place))} in the column {table.header[place]!r}; expected one column of 0 and 1"
            " for each label",
            hint=f"correct {lines_text(lines)}, or name the column of labels `label`",
        )
    return False


def separator_of(labels: Sequence[str]) -> str:
    """The separator for lists of these labels, one for a whole column: none of them has it in its name."""
    return next((each for each in SEPARATORS if not any(each in label for label in labels)), SEPARATORS[0])


def list_text(names: Sequence[str], separator: str) -> str:
    """The labels of an image as a cell of a column of lists."""
    return separator.join(names) or NO_LABEL


def list_names(cell: str, separator: str) -> tuple[str, ...]:
    """The labels of `list_text`."""
    return () if cell == NO_LABEL else tuple(cell.split(separator))


def read_columns(table: Table, columns: Sequence[int]) -> list[tuple[str, ...]] | list[str]:
    """The labels of each row from columns of 0 and 1: one each, or several if that is no mistake in a few rows.

    Raises:
        GreycardError: a few rows do not have exactly one label, and all the others have.
    """
    found = [tuple(table.header[place] for place in columns if float(row.cell(place))) for row in table.rows]
    several = sum(len(names) > 1 for names in found)
    if several and several >= _SHARE * len(found):
        return found
    wrong = [(row, names) for row, names in zip(table.rows, found, strict=True) if len(names) != 1]
    if not wrong:
        return [names[0] for names in found]
    row, names = wrong[0]
    received = f" ({short(', '.join(names))})" if names else ""
    others = "" if len(wrong) == 1 else f", and so have {len(wrong) - 1:,} others not one label"
    raise GreycardError(
        f"line {row.line} of {table.place} has {len(names)} labels{received}{others}; expected a 1 in one of its"
        " columns: nearly all other images have one label",
        hint=f"correct {lines_text([each.line for each, _ in wrong])}; if an image can have several labels, write them"
        " as lists in a column `labels`, such as cat;dog",
    )


def lines_text(lines: Sequence[int], most: int = 5) -> str:
    """`line 3`, or `lines 3, 8 and 12`."""
    shown = [str(line) for line in lines[:most]]
    more = [f"{len(lines) - most:,} more"] if len(lines) > most else []
    words = [*shown, *more]
    joined = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
    return f"line{'' if len(lines) == 1 else 's'} {joined}"


def _names(cell: str, separator: str) -> list[str]:
    return [name for part in cell.split(separator) if (name := part.strip())]


def _is_named(header: str) -> bool:
    return re.sub(r"[\W_]+", "", header).casefold() in _NAMED


def _is_list(cells: Sequence[str], separator: str) -> bool:
    """Whether a name stands alone in one cell and among others in another one."""
    split = [_names(cell, separator) for cell in cells]
    alone = {names[0] for names in split if len(names) == 1}
    return any(alone.intersection(names) for names in split if len(names) > 1)


def _says_none(names: Sequence[str]) -> bool:
    return len(names) == 1 and names[0].casefold() == NO_LABEL


def _expect_complete(table: Table, column: int, lists: Sequence[Sequence[str]], separator: str) -> None:
    name = table.header[column]
    empty = [row.line for row, names in zip(table.rows, lists, strict=True) if not names]
    if empty:
        raise GreycardError(
            f"{lines_text(empty)} of {table.place} {'has' if len(empty) == 1 else 'have'} an empty list in the column"
            f" {name!r}; expected labels separated by {separator!r}",
            hint=f"write {NO_LABEL} for an image that has none of the labels, or remove the line",
        )
    mixed = [
        row.line
        for row, names in zip(table.rows, lists, strict=True)
        if len(names) > 1 and NO_LABEL in {each.casefold() for each in names}
    ]
    if mixed:
        raise GreycardError(
            f"{lines_text(mixed)} of {table.place} {'has' if len(mixed) == 1 else 'have'} {NO_LABEL!r} together with"
            f" labels in the column {name!r}; {NO_LABEL} means that an image has no label",
            hint=f"remove {NO_LABEL}, or the labels",
        )


def _two_separators(table: Table, column: int, cells: Sequence[str]) -> GreycardError:
    first = {
        each: next(row.line for row, cell in zip(table.rows, cells, strict=True) if len(_names(cell, each)) > 1)
        for each in SEPARATORS
    }
    places = " and ".join(f"{each!r} in line {line}" for each, line in first.items())
    return GreycardError(
        f"the column {table.header[column]!r} of {table.place} separates labels by {places}; expected one of them",
        hint="use the same separator in every line",
    )
