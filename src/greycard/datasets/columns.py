"""Find the columns of image paths, labels and splits in a table, by their usual names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from greycard.core.errors import GreycardError
from greycard.datasets.inside import class_name
from greycard.datasets.roles import Role, role_of
from greycard.datasets.tables import Row, Table, short

_PATHS = (
    "path filepath imagepath imgpath filename filenames file imagefile imagefilename imagename image images img imgname"
    " picture pictures photo imageid imgid fileid fileids id name"
)
_LABELS = (
    "labelname classname categoryname label class category target labels classes tag species breed variety type"
    " diagnosis dx y"
)
_SPLITS = "split subset set partition part phase usage dataset datasplit"
_MAKE_ONE = "its first line must name the columns, such as path,label; `greycard split FOLDER` writes such a file"
_OTHER_ENCODING = "cp1252"


@dataclass(frozen=True)
class Line:
    """One image of a table: its path as written in the table, its label, and its split if it has one."""

    number: int
    path: str
    label: str
    split: Role | None


def read_lines(table: Table) -> list[Line]:
    """The table's images.

    Raises:
        GreycardError: no column of paths or labels, an empty cell, an unknown split, or several labels in one line.
    """
    names = [re.sub(r"[\W_]+", "", name).casefold() for name in table.header]
    path, split = _find(names, _PATHS), _find(names, _SPLITS)
    label = _find([name if place != path else "" for place, name in enumerate(names)], _LABELS)
    others = [place for place in range(len(names)) if place not in (path, split)]
    if path is None or not others:
        raise _no_columns(table)
    if not table.rows:
        raise GreycardError(f"{table.place} lists no images; expected one line for each image", hint=_MAKE_ONE)
    if label is None and len(others) == 1:
        label = others[0]
    if label is None and not _is_one_hot(table, others):
        raise _no_columns(table)
    labels = _one_hot(table, others) if label is None else [_cell(row, label) for row in table.rows]
    return [
        _line(table, row, _cell(row, path), value, None if split is None else _cell(row, split))
        for row, value in zip(table.rows, labels, strict=True)
    ]


def readable_text(cell: str) -> str:
    """Decode a cell with bytes that are not UTF-8 as Windows-1252; return any other cell unchanged."""
    data = cell.encode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(_OTHER_ENCODING, "replace")


def _line(table: Table, row: Row, path: str, label: str, split: str | None) -> Line:
    side = None if split is None else role_of(split)
    if not path or not label or (split is not None and side is None):
        sides = "" if split is None else ", and train, validation or test as its split"
        raise GreycardError(
            f"line {row.line} of {table.place} must have a path and a label{sides}. Received:"
            f" {short(', '.join(row.cells))}",
            hint=f"correct line {row.line}, or remove it",
        )
    return Line(row.line, path, class_name(readable_text(label)), side)


def _find(names: list[str], known: str) -> int | None:
    return next((names.index(name) for name in known.split() if name in names), None)


def _cell(row: Row, place: int) -> str:
    return row.cells[place] if place < len(row.cells) else ""


def _is_one_hot(table: Table, columns: list[int]) -> bool:
    """Whether all columns contain only 0 and 1 (one column for each class)."""
    return all(_cell(row, place) in ("0", "1", "0.0", "1.0") for row in table.rows for place in columns)


def _one_hot(table: Table, columns: list[int]) -> list[str]:
    """The name of the column that has the 1."""
    labels = []
    for row in table.rows:
        names = [table.header[place] for place in columns if float(_cell(row, place))]
        if len(names) != 1:
            raise GreycardError(
                f"line {row.line} of {table.place} has {len(names)} labels ({short(', '.join(names))}); expected a 1 in"
                " one of its columns: an image has one label",
                hint=f"correct line {row.line}, or remove it",
            )
        labels += names
    return labels


def _no_columns(table: Table) -> GreycardError:
    received = ", ".join(repr(name) for name in table.header[:8])
    return GreycardError(
        f"{table.place} must have a column of paths (path, filename, image) and one of labels (label, class, category)."
        f" Received: {received}{' and more' if len(table.header) > 8 else ''}",
        hint=_MAKE_ONE,
    )
