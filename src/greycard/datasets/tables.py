"""A CSV or TSV file as rows of cells: encoding and delimiter are detected, and quotes are checked."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from greycard.core.errors import GreycardError

_DELIMITERS = ",;\t|"
_SAVE_AS = "save it as CSV in UTF-8, for example from a spreadsheet"
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_LONGEST = 60


@dataclass(frozen=True)
class Row:
    """One line's cells, without the spaces around them; bytes that are not UTF-8 are kept as surrogates."""

    line: int
    cells: tuple[str, ...]

    def cell(self, place: int) -> str:
        """The cell in a column; a line may have fewer cells than the first one, and then it is empty."""
        return self.cells[place] if place < len(self.cells) else ""


@dataclass(frozen=True)
class Table:
    """A file's header and rows, without blank rows."""

    place: Path
    header: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(place: Path) -> Table:
    """The table in a file.

    Raises:
        GreycardError: no such file, not text, an unclosed quote, a line with more cells than the header.
    """
    try:
        text = _decoded(place, place.read_bytes())
    except OSError as error:
        raise GreycardError(f"{place} cannot be read: {error.strerror or error}", hint="check its name") from error
    lines = list(io.StringIO(text, newline=""))  # only CR and LF end a line
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    rows = [row for row in _rows(place, lines, delimiter) if any(row.cells)]
    if not rows:
        raise GreycardError(f"{place} is empty; expected a line of column names and one line for each image", _SAVE_AS)
    header, *body = rows
    for row in body:
        if any(row.cells[len(header.cells) :]):
            raise GreycardError(
                f"line {row.line} of {place} has {len(row.cells)} cells, its first line {len(header.cells)}. Received:"
                f" {short(delimiter.join(row.cells))}",
                hint=f'a cell with a {delimiter!r} in it needs quotes: "a{delimiter}b.jpg"',
            )
    return Table(place, header.cells, tuple(body))


def short(text: str) -> str:
    """The start of the text, on one line."""
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= _LONGEST else f"{flat[:_LONGEST]}…")


def _decoded(place: Path, data: bytes) -> str:
    """UTF-8, UTF-16 with a byte-order mark, or another encoding with its bytes kept as surrogates."""
    for bom, encoding in _BOMS.items():
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")
    if b"\0" in data:
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
        text = data.decode(encoding, "replace")
        if "\0" in text or not {"\n", "\r"} & set(text) or "\ufffd" in text:
            raise GreycardError(f"{place} is not a text file; expected a CSV file", hint=_SAVE_AS)
        return text
    return data.decode("utf-8", "surrogateescape")


def _rows(place: Path, lines: list[str], delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    before, width = 0, 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _open_quote(place, before + 1, lines) from error
        width = width or len(cells)
        if any(_swallowed(cell, delimiter, width) for cell in cells):
            raise _open_quote(place, before + 1, lines)
        yield Row(before + 1, tuple(cell.strip() for cell in cells))
        before = reader.line_num


def _swallowed(cell: str, delimiter: str, width: int) -> bool:
    """Whether an unclosed quote has merged several lines into one cell."""
    return any(line.count(delimiter) >= max(width - 1, 1) for line in cell.splitlines()[1:])


def _open_quote(place: Path, line: int, lines: list[str]) -> GreycardError:
    return GreycardError(
        f"the quotes in line {line} of {place} do not match: {short(lines[line - 1])}",
        hint=f'correct line {line}: close every quote, and write "" for a quote inside a cell',
    )
