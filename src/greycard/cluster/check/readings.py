"""What a check reads of each image, in shards: the header, digests and a thumbnail."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
import PIL

from greycard.audit.thumbnails import SIDE, unlabelled
from greycard.cluster.images import RemoteImage, ShardImages
from greycard.cluster.shards import Shard
from greycard.cluster.work import Counted
from greycard.core.threads import map_ahead, thread_pool
from greycard.datasets.file_facts import FileFacts, content_facts, file_facts
from greycard.datasets.images import UnreadableImageError, quiet_pillow
from greycard.deploy.answers.answer import as_text
from greycard.deploy.answers.parquet import read_errors
from greycard.pipeline.array_split import decode_content, decode_unchanged
from greycard.pipeline.decode import POLICY
from greycard.storage.folders import Folder

_CHANNELS = 3
_GROUP = 256
"""Images in a group of rows, which is written at once."""

_AHEAD = 32
"""Images that have been read and wait."""

DIGEST_BYTES = 16
"""Of the digest of a thumbnail's pixels."""

_FACTS = tuple(field.name for field in fields(FileFacts))


@dataclass(frozen=True)
class Reading:
    """What was read of an image.

    Attributes:
        facts: of the file, or why it is not a usable image.
        problem: why its pixels cannot be decoded, or None.
        pixels: uint8 (64, 64, 3), or None.
        spread: the standard deviation of their grey values, or None.
    """

    facts: FileFacts | str
    problem: str | None = None
    pixels: np.ndarray | None = None
    spread: float | None = None


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
            f"thumbnails of {SIDE} px with digests of {DIGEST_BYTES} bytes",
            f"decoding {POLICY} by Pillow {PIL.__version__}",
            f"image paths that start in {self.folder}",
            f"Greycard {version('greycard')}",  # which has the later stages
        ]

    def write(self, place: Path, names: Sequence[str], images: ShardImages) -> None:
        from pyarrow import Table, parquet

        schema = _schema()
        with parquet.ParquetWriter(place, schema, compression="zstd") as writer, quiet_pillow(), thread_pool() as pool:
            rows = map(_row, names, map_ahead(pool, _read, images, _AHEAD))
            while group := list(islice(rows, _GROUP)):
                writer.write_table(Table.from_pylist(group, schema))

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


def pixels_of(folder: Folder, shard: Shard, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of some images of a shard.

    Args:
        folder: of the parts.
        shard: whose part is there.
        rows: int (n,), rows in the shard, sorted.

    Returns:
        Which of the rows have pixels, int places in `rows`; and these, uint8 (places, 64, 64, 3).
    """
    from pyarrow import parquet

    places, found = [], []
    with folder.open(shard.file) as part, parquet.ParquetFile(part) as file:
        for group in np.unique(rows // _GROUP).tolist():
            column = file.read_row_group(group, columns=["pixels"]).column(0)
            for place in np.flatnonzero(rows // _GROUP == group).tolist():
                if (pixels := column[int(rows[place]) % _GROUP].as_py()) is not None:
                    places.append(place)
                    found.append(_pixels(pixels))
    return np.array(places, np.int64), np.array(found, np.uint8).reshape(-1, SIDE, SIDE, _CHANNELS)


def _read(image: str | RemoteImage) -> Reading:
    try:
        facts = file_facts(Path(image)) if isinstance(image, str) else content_facts(image.read())
    except UnreadableImageError as error:
        return Reading(str(error))
    try:
        pixels = _decoded(image, facts)
    except UnreadableImageError as error:
        return Reading(facts, str(error))
    return Reading(facts, None, pixels, float(unlabelled(("",), pixels[None]).grey(SIDE).std()))


def _decoded(image: str | RemoteImage, facts: FileFacts) -> np.ndarray:
    if isinstance(image, RemoteImage):
        return decode_content(image.read(), image.name, (SIDE, SIDE), _CHANNELS)
    return decode_unchanged(Path(image), facts.digest, (SIDE, SIDE), _CHANNELS)


def _row(name: str, reading: Reading) -> dict[str, Any]:
    row: dict[str, Any] = {"path": as_text(name), "problem": reading.problem}
    if isinstance(reading.facts, str):
        return row | {"error": as_text(reading.facts)}
    row |= {each: getattr(reading.facts, each) for each in _FACTS}
    if reading.pixels is None:
        return row
    pixels = reading.pixels.tobytes()
    digest = hashlib.sha256(pixels).digest()[:DIGEST_BYTES]
    return row | {"pixels": pixels, "thumbnail": digest, "spread": reading.spread}


def _reading(row: dict[str, Any]) -> Reading:
    if row["error"] is not None:
        return Reading(row["error"])
    pixels = row.get("pixels")
    found = None if pixels is None else _pixels(pixels)
    return Reading(FileFacts(**{each: row[each] for each in _FACTS}), row["problem"], found, row["spread"])


def _pixels(content: bytes) -> np.ndarray:
    return np.frombuffer(content, np.uint8).reshape(SIDE, SIDE, _CHANNELS)


def _schema() -> Any:
    import pyarrow as pa

    kinds = {"width": pa.int64(), "height": pa.int64(), "orientation": pa.int8()}
    kinds |= {"bytes": pa.int64(), "modified": pa.int64(), "pixels": pa.binary(SIDE * SIDE * _CHANNELS)}
    kinds |= {"thumbnail": pa.binary(DIGEST_BYTES), "spread": pa.float32()}
    names = ("path", "error", *_FACTS, "problem", "thumbnail", "spread", "pixels")
    return pa.schema([(name, kinds.get(name, pa.string())) for name in names])
