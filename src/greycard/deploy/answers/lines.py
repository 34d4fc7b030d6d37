"""Answers as lines of a file, CSV or JSON, and back. A line that was written only in part is recognised."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Protocol

from greycard.deploy.answers.answer import Answer

_PLAIN = ("path", "class", "probability")
_ERROR = "error"

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
    """Columns path, class, probability, more classes if asked for, and error.

    Args:
        top: the number of classes with their probabilities.
    """

    def __init__(self, top: int) -> None:
        more = [f"{column}_{rank}" for rank in range(2, top + 1) for column in ("class", "probability")]
        self.columns = [*_PLAIN, *more, _ERROR]

    @property
    def first(self) -> str:
        return _csv_line(self.columns)

    def text(self, answer: Answer) -> str:
        others = [cell for label, value in answer.ranked[1:] for cell in (label, f"{value:.6f}")]
        probability = "" if answer.error else f"{answer.probability:.6f}"
        cells = [answer.path, answer.label, probability, *others]
        return _csv_line([*cells, *[""] * (len(self.columns) - 1 - len(cells)), answer.error or ""])

    def read(self, file: Iterable[bytes]) -> Iterator[Read]:
        end, row = 0, b""
        for line in file:
            row += line
            if not row.endswith(b"\n") or row.count(b'"') % 2:  # a name in quotes may contain line ends
                continue
            end += len(row)
            yield self._answer(row.decode("utf-8", "surrogateescape"), first=end == len(row)), end
            row = b""

    def _answer(self, row: str, *, first: bool) -> Answer | None:
        cells = next(csv.reader([row], strict=True), [])
        if first and cells == self.columns:
            return None
        if first or len(cells) != len(self.columns):
            raise ValueError(f"expected the columns {','.join(self.columns)}")
        path, label, probability, *others, error = cells
        pairs = [(label, probability), *zip(others[::2], others[1::2], strict=True)]
        ranked = tuple((name, float(value)) for name, value in pairs if name)
        return Answer(path, label, float(probability or 0), ranked, error or None)


class JsonLines:
    """One JSON object per line: path, and error or class, probability and probabilities."""

    first = ""

    def text(self, answer: Answer) -> str:
        known = {"class": answer.label, "probability": answer.probability, "probabilities": dict(answer.ranked)}
        return json.dumps({"path": answer.path, **({"error": answer.error} if answer.error else known)}) + "\n"

    def read(self, file: Iterable[bytes]) -> Iterator[Read]:
        end = 0
        for line in file:
            if not line.endswith(b"\n"):
                return
            end += len(line)
            yield _from_json(json.loads(line)), end


def _from_json(content: dict[str, object]) -> Answer:
    if not isinstance(content, dict) or not isinstance(path := content.get("path"), str):
        raise ValueError("expected an object with the path of an image")
    ranked, error = content.get("probabilities"), content.get("error")
    pairs = tuple((name, float(value)) for name, value in ranked.items()) if isinstance(ranked, dict) else ()
    probability = content.get("probability", 0.0)
    known = float(probability) if isinstance(probability, int | float) else 0.0
    return Answer(path, str(content.get("class", "")), known, pairs, str(error) if error else None)


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if any("\r" in cell for cell in cells) else csv.QUOTE_MINIMAL  # else CR stays unquoted
    csv.writer(line, lineterminator="\n", quoting=quoting).writerow(cells)
    return line.getvalue()
