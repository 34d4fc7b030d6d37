"""Find the columns of image paths, labels and splits in a table, by their usual names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from greycard.core.errors import GreycardError
from greycard.datasets.inside import class_name
from greycard.datasets.label_lists import (
    column_words,
    is_zero_one,
    list_words,
    read_columns,
    read_lists,
    separator_note,
)
from greycard.datasets.roles import Role, role_of
from greycard.datasets.tables import Row, Table, short

_PATHS = (
    "path filepath imagepath imgpath filename filenames file imagefile imagefilename imagename image images img imgname"
    " picture pictures photo imageid imgid fileid fileids id name"
)
_LABELS = (
    "labelname classname categoryname label class category target labels classes tag species breed variety type"
    " diagnosis dx y tags"
)
_SPLITS = "split subset set partition part phase usage dataset datasplit"
_MAKE_ONE = "its first line must name the columns, such as path,label; `greycard split FOLDER` writes such a file"
_OTHER_ENCODING = "cp1252"

Label = str | tuple[str, ...]
"""The label of an image, or all its labels in order if an image can have several."""


@dataclass(frozen=True)
class Line:
    """One image of a table: its path as written in the table, its label or labels, and its split if it has one."""

    number: int
    path: str
    label: Label
    split: Role | None


@dataclass(frozen=True)
class _Columns:
    """The places of a table's columns; without one of labels, each of `others` is one label."""

    path: int
    label: int | None
    split: int | None
    others: list[int]


def read_lines(table: Table) -> list[Line]:
    """The table's images.

    Raises:
        GreycardError: no column of paths or labels, an empty cell, an unknown split, or labels that contradict.
    """
    columns = _columns(table)
    if not table.rows:
        raise GreycardError(f"{table.place} lists no images; expected one line for each image", hint=_MAKE_ONE)
    if columns.label is None and not is_zero_one(table, columns.others):
        raise _no_columns(table)
    split = columns.split
    return [
        _line(table, row, row.cell(columns.path), value, None if split is None else row.cell(split))
        for row, value in zip(table.rows, _labels(table, columns), strict=True)
    ]


def labels_words(table: Table) -> str:
    """How a table with several labels per image states them."""
    columns = _columns(table)
    return column_words(columns.others) if columns.label is None else list_words(table, columns.label)


def labels_notes(table: Table) -> list[str]:
    """A note if labels of one label per image look like lists."""
    label = _columns(table).label
    return [] if label is None else separator_note(table, label)


def _columns(table: Table) -> _Columns:
    names = [re.sub(r"[\W_]+", "", name).casefold() for name in table.header]
    path, split = _find(names, _PATHS), _find(names, _SPLITS)
    label = _find([name if place != path else "" for place, name in enumerate(names)], _LABELS)
    others = [place for place in range(len(names)) if place not in (path, split)]
    if path is None or not others:
        raise _no_columns(table)
    return _Columns(path, others[0] if label is None and len(others) == 1 else label, split, others)


def _labels(table: Table, columns: _Columns) -> Sequence[Label]:
    if columns.label is None:
        return read_columns(table, columns.others)
    return read_lists(table, columns.label) or [row.cell(columns.label) for row in table.rows]


def readable_text(cell: str) -> str:
    """Decode a cell with bytes that are not UTF-8 as Windows-1252; return any other cell unchanged."""
    data = cell.encode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(_OTHER_ENCODING, "replace")


def _line(table: Table, row: Row, path: str, label: Label, split: str | None) -> Line:
    side = None if split is None else role_of(split)
    if not path or label == "" or (split is not None and side is None):
        sides = "" if split is None else ", and train, validation or test as its split"
        raise GreycardError(
            f"line {row.line} of {table.place} must have a path and a label{sides}. Received:"
            f" {short(', '.join(row.cells))}",
            hint=f"correct line {row.line}, or remove it",
        )
    if isinstance(label, str):
        return Line(row.line, path, class_name(readable_text(label)), side)
    return Line(row.line, path, tuple(sorted({class_name(readable_text(each)) for each in label})), side)


def _find(names: list[str], known: str) -> int | None:
    return next((names.index(name) for name in known.split() if name in names), None)


def _no_columns(table: Table) -> GreycardError:
    received = ", ".join(repr(name) for name in table.header[:8])
    return GreycardError(
        f"{table.place} must have a column of paths (path, filename, image) and one of labels (label, class, category)."
        f" Received: {received}{' and more' if len(table.header) > 8 else ''}",
        hint=_MAKE_ONE,
    )
