"""Answers as a Parquet file: the same columns as in CSV, with types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import IO, Any

from greycard.core.errors import GreycardError
from greycard.deploy.answers.answer import Answer, as_text
from greycard.deploy.answers.cells import answer_columns, answer_from, cells_of, columns_of
from greycard.deploy.answers.job import Question

_GROUP = 20_000
"""Answers in one group of rows, which is written at once."""


def expect_pyarrow(otherwise: str = "") -> None:
    """Raise a GreycardError if Parquet cannot be written; `otherwise` adds to the hint what else can be done."""
    if find_spec("pyarrow") is None:
        raise GreycardError("a Parquet file needs pyarrow", hint=f'pip install "greycard[parquet]"{otherwise}')


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
                yield from (_answer(row, asked) for row in batch.to_pylist())
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

    names = pa.list_(pa.string())
    kinds = {"strangeness": pa.float32(), "one_of": names, "refused": pa.bool_(), "review": pa.bool_(), "labels": names}
    kinds |= {name: pa.float32() for name in answer_columns(asked) if name.startswith("probability")}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in columns_of(asked)])


def _row(answer: Answer, names: Iterable[str]) -> dict[str, Any]:
    cells = {name: as_text(value) if isinstance(value, str) else value for name, value in cells_of(answer).items()}
    return {name: cells.get(name) for name in names}


def _answer(row: dict[str, Any], asked: Question) -> Answer:
    one_of = row.get("one_of")
    return answer_from(row if one_of is None else row | {"one_of": tuple(one_of)}, asked)
