"""Answers as lines of a file, CSV or JSON, and back. A line that was written only in part is recognised."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from greycard.core.errors import GreycardError
from greycard.core.records import from_json, to_json
from greycard.datasets.label_lists import list_names, list_text, separator_of
from greycard.deploy.answers.answer import Answer, least_sure
from greycard.deploy.answers.cells import answer_columns, answer_from, cells_of, columns_of
from greycard.deploy.answers.job import Question

ODD_NAMES = sys.getfilesystemencodeerrors()
"""How names of files that are not valid text are written and read, as this system does it."""

_YES, _OR = "yes", " or "

Read = tuple[Answer | None, int]
"""An answer, and where its line ends in the file. The first line of a CSV file is no answer."""


class Lines(Protocol):
    """A form of answers files: each answer is one line of text in UTF-8."""

    @property
    def first(self) -> str:
        """The first line of a new file, or an empty string."""

    def text(self, answer: Answer) -> str:
        """The line of an answer."""

    def read(self, file: Iterable[bytes]) -> Iterator[Read]:
        """The complete lines from the start of a file; raises ValueError for a complete line that is no answer."""


class CsvLines:
    """A table with a first line of names.

    Args:
        question: what the answers answer.
    """

    def __init__(self, question: Question) -> None:
        self.columns = columns_of(question)
        self._question, self._separator = question, separator_of(question.labels)
        self._numbers = {"strangeness", *(name for name in answer_columns(question) if name.startswith("probability"))}

    @property
    def first(self) -> str:
        return _csv_line(self.columns)

    def text(self, answer: Answer) -> str:
        cells = cells_of(answer)
        return _csv_line([self._cell(name, cells.get(name)) for name in self.columns])

    def read(self, file: Iterable[bytes]) -> Iterator[Read]:
        end, row = 0, b""
        for line in file:
            row += line
            if not row.endswith(b"\n") or row.count(b'"') % 2:  # a name in quotes may contain line ends
                continue
            end += len(row)
            yield self._answer(row.decode("utf-8", ODD_NAMES), first=end == len(row)), end
            row = b""

    def _answer(self, row: str, *, first: bool) -> Answer | None:
        try:
            cells = next(csv.reader([row], strict=True), [])
        except csv.Error as error:
            raise ValueError(str(error)) from error
        if first and cells == self.columns:
            return None
        if first or len(cells) != len(self.columns):
            raise ValueError(f"expected the columns {','.join(self.columns)}")
        return answer_from(
            {name: self._value(name, cell) for name, cell in zip(self.columns, cells, strict=True)}, self._question
        )

    def _cell(self, name: str, value: Any) -> str:
        """A value as text."""
        if value is None or isinstance(value, str):
            return value or ""
        if name == "labels":
            return list_text(value, self._separator)
        if name in self._numbers:
            return f"{value:.6f}"
        return _OR.join(value) if name == "one_of" else _YES if value else ""

    def _value(self, name: str, cell: str) -> Any:
        """The value of a text; not of a prediction set, whose classes cannot be told apart."""
        if name in self._numbers:
            return float(cell) if cell else None
        if not cell or name == "one_of":
            return None
        return list_names(cell, self._separator) if name == "labels" else cell


class JsonLines:
    """One JSON object per line: path, and error or the class with its facts."""

    first = ""

    def text(self, answer: Answer) -> str:
        fields: dict[str, Any] = {"path": answer.path}
        if answer.error:
            return json.dumps(fields | {"error": answer.error}) + "\n"
        if answer.labels is None:
            fields |= {"class": answer.label, "probability": answer.probability, "probabilities": dict(answer.ranked)}
        else:
            fields |= {"labels": list(answer.labels), "probabilities": dict(answer.ranked)}
        if answer.strangeness is not None:
            fields |= {"refused": answer.refused, "strangeness": answer.strangeness}
        if answer.one_of is not None:
            fields["one_of"] = list(answer.one_of)
        return json.dumps(fields | ({"review": True} if answer.review else {})) + "\n"

    def read(self, file: Iterable[bytes]) -> Iterator[Read]:
        end = 0
        for line in file:
            if not line.endswith(b"\n"):
                return
            end += len(line)
            yield _from_fields(json.loads(line)), end


def _from_fields(fields: dict[str, Any]) -> Answer:
    if not isinstance(fields, dict) or not isinstance(fields.get("path"), str):
        raise ValueError("expected an object with the path of an image")
    kept = dict(fields)
    nothing = to_json(Answer("", "", 0.0, ()))
    try:
        pairs = kept.pop("probabilities", {}).items()
        known: dict[str, Any] = {"label": kept.pop("class", ""), "ranked": [list(pair) for pair in pairs]}
        if kept.get("labels") is not None:
            known["probability"] = least_sure(kept["labels"], pairs)
        return from_json(Answer, nothing | kept | known)
    except (GreycardError, TypeError, AttributeError) as error:
        raise ValueError(error.args[0]) from error


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO(newline="")
    if any("\r" in cell for cell in cells):  # the writer quotes only its own line ends
        csv.writer(line, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(cells)
    else:
        csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
