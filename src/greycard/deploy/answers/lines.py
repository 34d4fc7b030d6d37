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
from greycard.deploy.answers.answer import Answer
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


def columns_of(question: Question) -> list[str]:
    """The columns of a table of answers, as `greycard predict --format csv` prints them."""
    more = [f"{column}_{rank}" for rank in range(2, question.top + 1) for column in ("class", "probability")]
    wanted = {"one_of": question.sets, "review": question.unsure}
    asked = [name for name, value in wanted.items() if value is not None]
    return ["path", "class", "probability", *more, "error", "refused", "strangeness", *asked]


class CsvLines:
    """A table with a first line of names.

    Args:
        question: what the answers answer.
    """

    def __init__(self, question: Question) -> None:
        self.columns = columns_of(question)

    @property
    def first(self) -> str:
        return _csv_line(self.columns)

    def text(self, answer: Answer) -> str:
        cells = {"path": answer.path, "error": answer.error or ""}
        if not answer.error:
            for rank, (label, value) in enumerate(answer.ranked, 1):
                end = "" if rank == 1 else f"_{rank}"
                cells |= {f"class{end}": label, f"probability{end}": f"{value:.6f}"}
            cells["refused"] = _YES if answer.refused else ""
            cells["strangeness"] = "" if answer.strangeness is None else f"{answer.strangeness:.6f}"
            cells["one_of"] = _OR.join(answer.one_of or ())
            cells["review"] = _YES if answer.review else ""
        return _csv_line([cells.get(name, "") for name in self.columns])

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
        return _from_cells(dict(zip(self.columns, cells, strict=True)))


class JsonLines:
    """One JSON object per line: path, and error or the class with its facts."""

    first = ""

    def text(self, answer: Answer) -> str:
        fields: dict[str, Any] = {"path": answer.path}
        if answer.error:
            return json.dumps(fields | {"error": answer.error}) + "\n"
        fields |= {"class": answer.label, "probability": answer.probability, "probabilities": dict(answer.ranked)}
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


def _from_cells(cells: dict[str, str]) -> Answer:
    """An answer without its prediction set, whose classes cannot be told apart in a cell."""
    ranked = [(cells["class"], float(cells["probability"] or 0))] if cells["class"] else []
    rank = 2
    while label := cells.get(f"class_{rank}"):
        ranked.append((label, float(cells[f"probability_{rank}"])))
        rank += 1
    strangeness = float(cells["strangeness"]) if cells["strangeness"] else None
    label, probability = ranked[0] if ranked else ("", 0.0)
    refused, review = (cells.get(name) == _YES for name in ("refused", "review"))
    error = cells["error"] or None
    return Answer(cells["path"], label, probability, tuple(ranked), error, refused, strangeness, None, review)


def _from_fields(fields: dict[str, Any]) -> Answer:
    if not isinstance(fields, dict) or not isinstance(fields.get("path"), str):
        raise ValueError("expected an object with the path of an image")
    kept = dict(fields)
    ranked = [list(pair) for pair in kept.pop("probabilities", {}).items()]
    known = {"label": kept.pop("class", ""), "ranked": ranked}
    nothing = to_json(Answer("", "", 0.0, ()))
    try:
        return from_json(Answer, nothing | kept | known)
    except GreycardError as error:
        raise ValueError(error.args[0]) from error


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO(newline="")
    if any("\r" in cell for cell in cells):  # the writer quotes only its own line ends
        csv.writer(line, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(cells)
    else:
        csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
