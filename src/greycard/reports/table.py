"""The table of runs: values from run files, with the published figures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from rich.cells import cell_len

from greycard.core.errors import GreycardError
from greycard.core.suggestions import did_you_mean
from greycard.reports.columns import (
    ACCURACIES,
    AVERAGE_PRECISION,
    COLUMNS,
    DROPPED_FIRST,
    F1,
    NAME,
    NUMBERS,
    PUBLISHED,
    TEST,
    TEST_MAE,
    Column,
    Row,
)
from greycard.reports.escapes import markdown, one_line, spreadsheet
from greycard.reports.rows import row_of
from greycard.runs.record import RunRecord

FORMATS = ("text", "md", "csv", "json", "html")


@dataclass(frozen=True)
class Table:
    """Runs as rows of plain values; every format shows the same rows.

    Attributes:
        rows: one for each run; `to_json` has the keys of `--format json` (docs/table.md).
    """

    rows: list[Row]

    def sorted_by(self, key: str) -> Table:
        """Sort the rows by a key: largest number first, text alphabetically, missing values last."""
        keys = list(self.rows[0].to_json()) if self.rows else [key]
        if key not in keys:
            hint = did_you_mean(key, keys, f"its columns are {', '.join(keys)}")
            raise GreycardError(f"the table has no column {key!r}", hint=hint)
        values = [row.to_json()[key] for row in self.rows]
        words = any(isinstance(value, str) for value in values)
        known = [place for place, value in enumerate(values) if value is not None]
        ordered = sorted(known, key=lambda place: values[place], reverse=not words)
        unknown = (place for place, value in enumerate(values) if value is None)
        return Table([self.rows[place] for place in (*ordered, *unknown)])

    def render(self, form: str = "text", width: int | None = None) -> str:
        """The table as text, md, csv, json or html; `width` is the terminal width, for text."""
        makers = {"md": self.markdown, "csv": self.csv, "json": self.json, "html": self.html}
        return self.text(width) if form == "text" else makers[form]()

    def text(self, width: int | None = None) -> str:
        """Aligned columns; columns that do not fit `width` are hidden, and the last line names them."""
        columns, hidden = _fitting(self.rows, width)
        cells = [[one_line(cell) for cell in row] for row in _cells(self.rows, columns)]
        widths = _widths(cells)
        lines = [_line(row, widths, columns) for row in cells]
        lines.insert(1, "  ".join("─" * width for width in widths))
        if hidden:
            lines.append(f"(not shown, to fit: {', '.join(hidden)}; --format md has every column)")
        return "\n".join(lines)

    def markdown(self) -> str:
        """A GitHub Markdown table."""
        columns = _columns(self.rows)
        header, *body = ([markdown(cell) for cell in row] for row in _cells(self.rows, columns))
        rule = ["---:" if column.number else "---" for column in columns]
        return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *body))

    def csv(self) -> str:
        """The raw values with a header line; fractions, seconds and counts as numbers.

        Text that a spreadsheet would read as a formula starts with an apostrophe.
        """
        buffer, rows = io.StringIO(), [row.to_json() for row in self.rows]
        writer = csv.DictWriter(buffer, fieldnames=list(rows[0]) if rows else ["run"], lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: spreadsheet(value) for key, value in row.items()} for row in rows)
        return buffer.getvalue().rstrip("\n")

    def json(self) -> str:
        """A list with one object of raw values for each run."""
        return json.dumps([row.to_json() for row in self.rows], indent=2)

    def html(self) -> str:
        """A table element, without style."""
        header, *body = _cells(self.rows, _columns(self.rows))
        head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in body)
        return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>"

    def _repr_html_(self) -> str:
        return self.html()

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"Table({len(self.rows)} {'run' if len(self.rows) == 1 else 'runs'})"


def make_table(runs: Iterable[RunRecord]) -> Table:
    """The table of these runs, in the same order."""
    return Table([row_of(run) for run in runs])


def _fitting(rows: list[Row], width: int | None) -> tuple[list[Column], list[str]]:
    columns, hidden = _columns(rows), []
    for title in DROPPED_FIRST:
        if width is None or sum(_widths(_cells(rows, columns))) + 2 * (len(columns) - 1) <= width:
            break
        columns = [column for column in columns if column.title != title]
        hidden.append(title)
    return columns, hidden


def _columns(rows: list[Row]) -> list[Column]:
    left_out = []
    if all(row.name is None for row in rows):
        left_out.append(NAME)
    if all(row.test_accuracy is None for row in rows):
        left_out.append(TEST)
    if all(row.mean_average_precision is None and row.f1_micro is None for row in rows):
        left_out += [AVERAGE_PRECISION, F1]
    numbers = [row.val_mae is not None for row in rows]
    if not any(numbers):
        left_out += NUMBERS
    elif all(numbers):
        left_out += [column for column in COLUMNS if column.title in ACCURACIES]
    if all(row.test_mae is None for row in rows):
        left_out.append(TEST_MAE)
    return [column for column in COLUMNS if column not in left_out]


def _cells(rows: list[Row], columns: Sequence[Column]) -> list[list[str]]:
    published = any(row.published for row in rows)
    titles = [column.title if published else column.title.removesuffix(PUBLISHED) for column in columns]
    return [titles] + [[column.show(row) for column in columns] for row in rows]


def _widths(cells: list[list[str]]) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(*cells, strict=True)]


def _line(cells: list[str], widths: list[int], columns: Sequence[Column]) -> str:
    """Pad a cell by its width in the terminal; East Asian characters take two columns."""
    spaces = (" " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True))
    padded = (
        space + cell if column.number else cell + space
        for cell, space, column in zip(cells, spaces, columns, strict=True)
    )
    return "  ".join(padded).rstrip()
