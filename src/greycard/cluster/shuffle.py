"""A shuffle by hash: find rows with equal keys among more than one machine's memory holds, as units of work.

Each `Split` sorts some rows into buckets by their keys, and each `Join` finds the equal keys in one bucket.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from greycard.storage.folders import Folder

KEY_BYTES = 16


class Rows(Protocol):
    """Rows to be shuffled; other processes get a copy."""

    @property
    def images(self) -> int:
        """Number of rows, about."""
        ...

    def table(self, folder: Folder) -> Any:
        """An Arrow table: the column `key`, binary of 16 bytes that are spread evenly, and any other columns."""
        ...


@dataclass(frozen=True)
class Split:
    """The unit that sorts some rows into buckets: its file has a group of rows for each bucket.

    Attributes:
        number: of the unit, counted from 0.
        rows: the rows, at most 1,048,576: no group of rows in a file of Parquet has more.
        buckets: number of buckets.
    """

    number: int
    rows: Rows
    buckets: int

    @property
    def file(self) -> str:
        return _split_file(self.number)

    @property
    def images(self) -> int:
        return self.rows.images

    def write(self, folder: Folder, place: Path) -> None:
        from pyarrow import parquet

        table, keys = _sorted(self.rows.table(folder))
        bounds = np.searchsorted(_buckets(keys, self.buckets), np.arange(self.buckets + 1))
        with parquet.ParquetWriter(place, table.schema, compression="zstd") as writer:
            for start, end in pairwise(bounds.tolist()):
                writer.write_table(table.slice(start, end - start), max(end - start, 1))


@dataclass(frozen=True)
class Join:
    """The unit that finds equal keys in a bucket of all splits.

    Its file has the rows whose key occurs more than once, without the key: equal keys next to each other, in the order
    of the splits, with their number in the column `group`.

    Attributes:
        bucket: counted from 0.
        splits: number of splits.
        images: number of rows in the bucket, about.
    """

    bucket: int
    splits: int
    images: int

    @property
    def file(self) -> str:
        return _join_file(self.bucket)

    def write(self, folder: Folder, place: Path) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        table, keys = _sorted(pa.concat_tables(self._bucket(folder)))
        again = np.zeros(len(keys), bool)  # whether the key is that of the row before
        again[1:] = (keys[1:] == keys[:-1]).all(axis=1)
        kept = np.flatnonzero(again | np.append(again[1:], False)[: len(again)])
        groups = np.cumsum(~again[kept]) - 1
        found = table.take(kept).drop_columns(["key"]).append_column("group", pa.array(groups, pa.int64()))
        parquet.write_table(found, place, compression="zstd")

    def _bucket(self, folder: Folder) -> Iterator[Any]:
        from pyarrow import parquet

        for number in range(self.splits):
            with folder.open(_split_file(number)) as opened, parquet.ParquetFile(opened) as file:
                yield file.read_row_group(self.bucket)


def equal_rows(folder: Folder, buckets: int) -> Iterator[list[dict[str, Any]]]:
    """Each group of rows with equal keys, from the files of all joins."""
    from pyarrow import parquet

    for bucket in range(buckets):
        with folder.open(_join_file(bucket)) as opened, parquet.ParquetFile(opened) as file:
            rows = file.read().to_pylist()
        starts = [place for place, row in enumerate(rows) if not place or row["group"] != rows[place - 1]["group"]]
        yield from (rows[start:end] for start, end in pairwise([*starts, len(rows)]))


def _sorted(table: Any) -> tuple[Any, np.ndarray]:
    """The rows in the order of their keys, and these, uint64 (rows, 2); equal ones stay in their order."""
    column = table.column("key").to_pylist()
    keys = np.frombuffer(b"".join(column), ">u8").reshape(-1, KEY_BYTES // 8).astype(np.uint64)
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    return table.take(order), keys[order]


def _buckets(keys: np.ndarray, buckets: int) -> np.ndarray:
    """The bucket of each key: equal shares of the range of keys."""
    half = np.uint64(32)
    return ((keys[:, 0] >> half) * np.uint64(buckets)) >> half


def _split_file(number: int) -> str:
    return f"split-{number:06}.parquet"


def _join_file(bucket: int) -> str:
    return f"join-{bucket:06}.parquet"
