"""Feature vectors as Parquet: columns id, path, label and embedding, a row group for each part."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from greycard.embeddings.table import KEY, About, Rows

_GROUP_BYTES = 32_000_000
"""Vectors in a row group, about: so much is in memory at a time."""

_ERRORS = "errors"
"""The key of the metadata that names images without a vector."""


class ParquetWriter:
    """Writes row groups.

    Args:
        place: the file.
        about: its metadata.
    """

    def __init__(self, place: Path, about: About) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        label = [("label", pa.string())] if about.labelled else []
        vector = pa.list_(pa.field("element", pa.float32(), nullable=False), about.network.features)
        columns = [("id", pa.string()), ("path", pa.string()), *label, ("embedding", vector)]
        self._schema = pa.schema(columns, metadata={KEY: about.to_text()})
        self._file = parquet.ParquetWriter(place, self._schema, compression="zstd")
        self._room = max(1, _GROUP_BYTES // (4 * about.network.features))
        self._waiting: list[Rows] = []

    def write(self, rows: Rows) -> None:
        self._waiting.append(rows)
        if sum(len(each.ids) for each in self._waiting) >= self._room:
            self._write_group()

    def note(self, errors: Sequence[tuple[str, str]]) -> None:
        """State images that have no vector, each with the reason, in the file's metadata."""
        self._file.add_key_value_metadata({_ERRORS: json.dumps(errors)})

    def close(self) -> None:
        if self._waiting:
            self._write_group()
        self._file.close()

    def _write_group(self) -> None:
        import pyarrow as pa

        parts, self._waiting = self._waiting, []
        values = np.concatenate([each.vectors for each in parts]).ravel()
        columns: dict[str, Any] = {
            name: pa.array([value for each in parts for value in getattr(each, f"{name}s")], pa.string())
            for name in self._schema.names[:-1]
        }
        kind = self._schema.field("embedding").type
        columns["embedding"] = pa.FixedSizeListArray.from_arrays(pa.array(values, pa.float32()), type=kind)
        self._file.write_table(pa.table(columns, schema=self._schema))


def read_about(place: Path) -> bytes | None:
    """Greycard's metadata; None if the file has none. Damaged files raise ArrowException or OSError."""
    from pyarrow import parquet

    found = parquet.read_schema(place).metadata or {}
    return found.get(KEY.encode())


def read_errors(file: IO[bytes]) -> tuple[int, list[tuple[str, str]]]:
    """The number of vectors in a file, and the images without one that `note` stated, each with the reason."""
    from pyarrow import parquet

    with parquet.ParquetFile(file) as opened:
        found = json.loads((opened.metadata.metadata or {}).get(_ERRORS.encode(), b"[]"))
        return opened.metadata.num_rows, [(name, why) for name, why in found]


def read_footer(file: IO[bytes]) -> tuple[bytes | None, int]:
    """Greycard's metadata, or None, and the number of vectors in a file."""
    from pyarrow import parquet

    found = parquet.read_metadata(file)
    return (found.metadata or {}).get(KEY.encode()), found.num_rows


def read_rows(place: Path | IO[bytes], about: About) -> Iterator[Rows]:
    """The rows, one row group at a time."""
    from pyarrow import parquet

    with parquet.ParquetFile(place) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            labels = table["label"].to_pylist() if about.labelled else [None] * len(table)
            vectors = table["embedding"].combine_chunks().flatten().to_numpy()
            shaped = vectors.reshape(-1, about.network.features)
            yield Rows(table["id"].to_pylist(), table["path"].to_pylist(), labels, shaped)
