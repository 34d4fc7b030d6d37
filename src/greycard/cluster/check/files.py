"""The Parquet files of a check of a list: every unreadable image, every remark and every duplicate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from greycard.audit.duplicates import Pair, surest_pairs
from greycard.cluster.check.listing import Listing
from greycard.cluster.check.remarks import Remarks
from greycard.core.errors import GreycardError
from greycard.deploy.answers.answer import as_text

UNREADABLE, FILES, DUPLICATES = "unreadable.parquet", "files.parquet", "duplicates.parquet"
_MARK, _VALUE = b"greycard", b"check"


def expect_own(folder: Path) -> None:
    """Raise a GreycardError if a folder has files that a check did not write; it would be replaced."""
    there = sorted(folder.iterdir()) if folder.is_dir() else [folder] if folder.exists() else []
    other = next((place for place in there if not _is_own(place)), None)
    if other is not None:
        raise GreycardError(
            f"{folder} would be replaced, but {other} was not written by a check",
            hint="move it away, or choose another folder with --out",
        )


def write_remarks(folder: Path, listing: Listing, units: Sequence[Remarks]) -> Iterator[Any]:
    """Write the images with remarks into two new files of a folder, and yield the tables they are from."""
    from pyarrow import compute, parquet

    is_unreadable = compute.field("kind") == "unreadable"
    unreadable, files = _schema(path="string", error="string"), _schema(kind="string", path="string", detail="string")
    with (
        parquet.ParquetWriter(folder / UNREADABLE, unreadable, compression="zstd") as bad,
        parquet.ParquetWriter(folder / FILES, files, compression="zstd") as others,
    ):
        for unit in units:
            found = unit.read(listing.folder)
            yield found
            bad.write_table(_as(unreadable, found.filter(is_unreadable).select(["path", "detail"])))
            others.write_table(_as(files, found.filter(~is_unreadable).select(["kind", "path", "detail"])))


def write_duplicates(folder: Path, listing: Listing, pairs: Sequence[Pair], groups: Sequence[Sequence[int]]) -> None:
    """Write the images of each group, with the pair that shows most certainly why they are in it.

    Args:
        folder: the file is new in it.
        listing: the images.
        pairs: of rows, the most certain first.
        groups: the rows that they connect.
    """
    import pyarrow as pa
    from pyarrow import parquet

    group_of = {row: number for number, rows in enumerate(groups) for row in rows}
    rows, surest = np.array(sorted(group_of), np.int64), surest_pairs(pairs)
    columns = {
        "group": pa.array((group_of[row] for row in rows.tolist()), pa.int64()),
        "path": pa.array(map(as_text, listing.names(rows)), pa.string()),
        "how": pa.array((surest[row].words for row in rows.tolist()), pa.string()),
        "distance": pa.array((surest[row].distance for row in rows.tolist()), pa.float32()),
    }
    order = np.argsort(columns["group"].to_numpy(), kind="stable")
    table = _as(_schema(group="int64", path="string", how="string", distance="float32"), pa.table(columns))
    parquet.write_table(table.take(order), folder / DUPLICATES, compression="zstd")


def _schema(**kinds: str) -> Any:
    import pyarrow as pa

    return pa.schema([(name, pa.type_for_alias(kind)) for name, kind in kinds.items()], metadata={_MARK: _VALUE})


def _as(schema: Any, table: Any) -> Any:
    return table.rename_columns(schema.names).cast(schema)


def _is_own(place: Path) -> bool:
    from pyarrow import ArrowException, parquet

    if place.name not in (UNREADABLE, FILES, DUPLICATES):
        return False
    try:
        return (parquet.read_schema(place).metadata or {}).get(_MARK) == _VALUE
    except (ArrowException, OSError):
        return False
