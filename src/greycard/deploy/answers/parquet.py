"""Answers as a Parquet file: the same columns as in CSV, with types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import IO, Any

from greycard.core.errors import GreycardError
from greycard.deploy.answers.answer import Answer, as_text
from greycard.deploy.answers.job import Question
from greycard.deploy.answers.lines import columns_of

_GROUP = 20_000
"""Answers in one group of rows, which is written at once."""


def expect_pyarrow() -> None:
    if find_spec("pyarrow") is None:
        raise GreycardError(
            "a Parquet file needs pyarrow", hint='pip install "greycard[parquet]", or write a .csv file'
        )


def write_parquet(place: Path, answers: Iterable[Answer], asked: Question) -> None:
    """Write all answers into a new file, one group of rows after the other."""
    from pyarrow import Table, parquet

    schema = _schema(asked)
    left = iter(answers)
    with parquet.ParquetWriter(place, schema) as writer:
        while group := list(islice(left, _GROUP)):
            writer.write_table(Table.from_pylist([_row(answer, schema.names) for answer in group], schema))


def read_parquet(place: Path, asked: Question, *, whole: bool) -> Iterator[Answer]:
    """The answers of a file.

    Args:
        place: the file.
        asked: what the answers answer.
        whole: False for the paths and errors only.

    Raises:
        GreycardError: it is damaged or has other columns.
    """
    from pyarrow import ArrowException, parquet

    names = _schema(asked).names
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


def read_errors(place: Path | IO[bytes], most: int) -> tuple[int, int, list[tuple[str, str]]]:
    """The number of answers in a file, the number of unreadable images, and some of them with the reason."""
    from pyarrow import compute, parquet

    with parquet.ParquetFile(place) as file:
        rows, place_of = file.metadata.num_rows, file.schema_arrow.names.index("error")
        groups = (file.metadata.row_group(number).column(place_of) for number in range(file.metadata.num_row_groups))
        bad = rows - sum(group.statistics.null_count for group in groups)
        if not bad or most <= 0:
            return rows, bad, []
        found = file.read(["path", "error"]).filter(compute.field("error").is_valid()).slice(0, most)
        return rows, bad, [(row["path"], row["error"]) for row in found.to_pylist()]


def _schema(asked: Question) -> Any:
    import pyarrow as pa

    kinds = {"probability": pa.float32(), "strangeness": pa.float32(), "one_of": pa.list_(pa.string())}
    kinds |= {"refused": pa.bool_(), "review": pa.bool_()}
    return pa.schema([(name, kinds.get(_plain(name), pa.string())) for name in columns_of(asked)])


def _plain(name: str) -> str:
    """A column's name without its rank."""
    return name.rstrip("0123456789").rstrip("_")


def _row(answer: Answer, names: Iterable[str]) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(names)
    row["path"] = as_text(answer.path)
    if answer.error:
        return row | {"error": as_text(answer.error)}
    for rank, (label, value) in enumerate(answer.ranked, 1):
        end = "" if rank == 1 else f"_{rank}"
        row |= {f"class{end}": label, f"probability{end}": value}
    facts: dict[str, Any] = {"refused": answer.refused, "strangeness": answer.strangeness, "review": answer.review}
    facts["one_of"] = None if answer.one_of is None else list(answer.one_of)
    return row | {name: value for name, value in facts.items() if name in row}


def _answer(row: dict[str, Any]) -> Answer:
    ranked, rank, end = [], 1, ""
    while name := row.get(f"class{end}"):
        ranked.append((name, row[f"probability{end}"]))
        rank, end = rank + 1, f"_{rank + 1}"
    label, probability = ranked[0] if ranked else ("", 0.0)
    refused, review = (bool(row.get(name)) for name in ("refused", "review"))
    one_of = None if row.get("one_of") is None else tuple(row["one_of"])
    facts = (row["error"], refused, row.get("strangeness"), one_of, review)
    return Answer(row["path"], label, probability, tuple(ranked), *facts)
