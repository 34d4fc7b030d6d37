"""What is unusual about single images of a list: unreadable, near-empty, a wrong ending, an odd mode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greycard.audit.files import Remark, file_remarks, near_empty_remarks
from greycard.cluster.check.listing import Some
from greycard.cluster.check.readings import Reading, each_reading
from greycard.storage.folders import Folder


@dataclass(frozen=True)
class Remarks:
    """The unit that writes down what is unusual about some images.

    Attributes:
        some: the images.
    """

    some: Some

    @property
    def file(self) -> str:
        return f"remarks-{self.some.number:06}.parquet"

    @property
    def images(self) -> int:
        return self.some.images

    def write(self, folder: Folder, place: Path) -> None:
        from pyarrow import Table, parquet

        readings = enumerate(each_reading(folder, self.some.shards, pixels=False), self.some.first)
        rows = [
            {"row": row, "kind": each.kind, "path": name, "detail": each.detail}
            for row, (name, reading) in readings
            for each in _remarks(name, reading)
        ]
        parquet.write_table(Table.from_pylist(rows, _schema()), place, compression="zstd")

    def read(self, folder: Folder) -> Any:
        """The table of what was written: the columns row, kind, path and detail."""
        from pyarrow import parquet

        with folder.open(self.file) as opened, parquet.ParquetFile(opened) as file:
            return file.read()


def _remarks(name: str, reading: Reading) -> Iterator[Remark]:
    if isinstance(reading.facts, str):
        yield Remark("unreadable", name, reading.facts)
        return
    if reading.problem is not None:
        yield Remark("unreadable", name, reading.problem)
    if reading.spread is not None:
        yield from near_empty_remarks([name], [reading.spread])
    yield from file_remarks(name, reading.facts)


def _schema() -> Any:
    import pyarrow as pa

    return pa.schema([("row", pa.int64()), ("kind", pa.string()), ("path", pa.string()), ("detail", pa.string())])
