"""Answers as a Parquet file: the same columns as in CSV, with types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from greycard.core.atomic_files import atomic_path
from greycard.core.errors import GreycardError
from greycard.deploy.answers.answer import Answer, as_text
from greycard.deploy.answers.lines import CsvLines

_GROUP = 20_000
"""Answers in one group of rows, which is written at once."""


def expect_pyarrow() -> None:
    if find_spec("pyarrow") is None:
        raise GreycardError(
            "a Parquet file needs pyarrow", hint='pip install "greycard[parquet]", or write a .csv file'
        )


def write_parquet(place: Path, answers: Iterable[Answer], top: int) -> None:
    """Write all answers atomically, one group of rows after the other."""
    from pyarrow import Table, parquet

    schema = _schema(top)
    left = iter(answers)
    with atomic_path(place) as draft, parquet.ParquetWriter(draft, schema) as writer:
        while group := list(islice(left, _GROUP)):
            writer.write_table(Table.from_pylist([_row(answer, schema.names) for answer in group], schema))


def read_parquet(place: Path, top: int, *, whole: bool) -> Iterator[Answer]:
    """The answers of a file.

    Args:
        place: the file.
        top: the number of classes in each answer.
        whole: False for the paths and errors only.

    Raises:
        GreycardError: it is damaged or has other columns.
    """
    from pyarrow import ArrowException, parquet

    names = _schema(top).names
    try:
        with parquet.ParquetFile(place) as file:
            if file.schema_arrow.names != names:
                raise ValueError(f"expected the columns {', '.join(names)}")
            for batch in file.iter_batches(_GROUP, columns=names if whole else ["path", "error"]):
                yield from map(_answer, batch.to_pylist())
    except (ArrowException, ValueError) as error:
        raise GreycardError(
            f"{place} cannot be continued: {str(error).splitlines()[0]}", hint="choose another file"
        ) from error


def _schema(top: int) -> Any:
    import pyarrow

    kinds = {"class": pyarrow.string(), "probability": pyarrow.float32()}
    columns = CsvLines(top).columns
    return pyarrow.schema([(name, kinds.get(name.split("_")[0], pyarrow.string())) for name in columns])


def _row(answer: Answer, names: Iterable[str]) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(names)
    row["path"] = as_text(answer.path)
    if answer.error:
        return row | {"error": as_text(answer.error)}
    row |= {"class": answer.label, "probability": answer.probability}
    for rank, (label, value) in enumerate(answer.ranked[1:], 2):
        row |= {f"class_{rank}": label, f"probability_{rank}": value}
    return row


def _answer(row: dict[str, Any]) -> Answer:
    label, probability = row.get("class") or "", row.get("probability") or 0.0
    ranked = [(label, probability)] if label else []
    rank = 2
    while name := row.get(f"class_{rank}"):
        ranked.append((name, row[f"probability_{rank}"]))
        rank += 1
    return Answer(row["path"], label, probability, tuple(ranked), row["error"])
