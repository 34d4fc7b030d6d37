"""What a check reads of each image, in shards: the header, the digest and a thumbnail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
import PIL

from greycard.audit.thumbnails import SIDE
from greycard.cluster.images import ShardImages
from greycard.cluster.shards import Shard
from greycard.cluster.work import Counted
from greycard.core.threads import map_ahead, thread_pool
from greycard.datasets.file_facts import FileFacts, file_facts
from greycard.datasets.images import UnreadableImageError, quiet_pillow
from greycard.deploy.answers.answer import as_text
from greycard.deploy.answers.parquet import read_errors
from greycard.pipeline.array_split import decode_unchanged
from greycard.pipeline.decode import POLICY
from greycard.storage.folders import Folder

_CHANNELS = 3
_GROUP = 256
"""Images in a group of rows, which is written at once."""

_FACTS = tuple(field.name for field in fields(FileFacts))


@dataclass(frozen=True)
class Reading:
    """What was read of an image.

    Attributes:
        facts: of the file, or why it is not a usable image.
        problem: why its pixels cannot be decoded, or None.
        pixels: uint8 (64, 64, 3), or None.
    """

    facts: FileFacts | str
    problem: str | None = None
    pixels: np.ndarray | None = None


@dataclass(frozen=True)
class Readings:
    """The work of reading images.

    Attributes:
        folder: relative paths of images start here.
    """

    folder: str
    verb: ClassVar[str] = "reading images"
    errors_are_in: ClassVar[str] = "the column error"

    def words(self) -> list[str]:
        return [
            f"thumbnails of {SIDE} px",
            f"decoding {POLICY} by Pillow {PIL.__version__}",
            f"image paths that start in {self.folder}",
        ]

    def write(self, place: Path, names: Sequence[str], images: ShardImages) -> None:
        from pyarrow import Table, parquet

        schema = _schema()
        with parquet.ParquetWriter(place, schema, compression="zstd") as writer, quiet_pillow(), thread_pool() as pool:
            rows: list[dict[str, Any]] = []
            for name, reading in zip(names, map_ahead(pool, _read, images, _GROUP), strict=True):
                rows.append(_row(name, reading))
                if len(rows) == _GROUP:
                    writer.write_table(Table.from_pylist(rows, schema))
                    rows = []
            writer.write_table(Table.from_pylist(rows, schema))

    def count(self, part: IO[bytes], most: int) -> Counted:
        images, bad, examples = read_errors(part, most)
        return Counted(images, bad, tuple(examples))


def each_reading(folder: Folder, shards: Sequence[Shard], *, pixels: bool) -> Iterator[tuple[str, Reading]]:
    """The name and the reading of each image, in order; with `pixels` or without."""
    from pyarrow import parquet

    wanted = [each for each in _schema().names if pixels or each != "pixels"]
    for shard in shards:
        with folder.open(shard.file) as part, parquet.ParquetFile(part) as file:
            for batch in file.iter_batches(_GROUP, columns=wanted):
                yield from ((row["path"], _reading(row)) for row in batch.to_pylist())


def _read(path: str) -> Reading:
    try:
        facts = file_facts(Path(path))
    except UnreadableImageError as error:
        return Reading(str(error))
    try:
        return Reading(facts, None, decode_unchanged(Path(path), facts.digest, (SIDE, SIDE), _CHANNELS))
    except UnreadableImageError as error:
        return Reading(facts, str(error))


def _row(name: str, reading: Reading) -> dict[str, Any]:
    row: dict[str, Any] = {"path": as_text(name), "problem": reading.problem}
    if isinstance(reading.facts, str):
        return row | {"error": as_text(reading.facts)}
    row |= {each: getattr(reading.facts, each) for each in _FACTS}
    return row | {"pixels": None if reading.pixels is None else reading.pixels.tobytes()}


def _reading(row: dict[str, Any]) -> Reading:
    if row["error"] is not None:
        return Reading(row["error"])
    pixels = row.get("pixels")
    found = None if pixels is None else np.frombuffer(pixels, np.uint8).reshape(SIDE, SIDE, _CHANNELS)
    return Reading(FileFacts(**{each: row[each] for each in _FACTS}), row["problem"], found)


def _schema() -> Any:
    import pyarrow as pa

    kinds = {"width": pa.int64(), "height": pa.int64(), "orientation": pa.int8()}
    kinds |= {"bytes": pa.int64(), "modified": pa.int64(), "pixels": pa.binary(SIDE * SIDE * _CHANNELS)}
    names = ("path", "error", *_FACTS, "problem", "pixels")
    return pa.schema([(name, kinds.get(name, pa.string())) for name in names])
