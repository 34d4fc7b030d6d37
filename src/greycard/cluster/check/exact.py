"""The same files and the same pixels among the images of a list: a shuffle by the digests of their thumbnails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from greycard.audit.duplicates import Pair, exact_pairs, pixels_digest
from greycard.cluster.check.listing import Some
from greycard.cluster.check.stages import Stages
from greycard.cluster.images import RemoteImage, ShardImages
from greycard.cluster.shuffle import Join, Split, equal_rows
from greycard.core.threads import map_ahead, thread_pool
from greycard.datasets.images import UnreadableImageError, quiet_pillow
from greycard.storage.folders import Folder

BUCKET = 1_000_000
"""Images in a bucket of the shuffle, about: a process needs some 450 bytes for each."""

_TOGETHER, _AHEAD = 256, 32
"""Images that are decoded whole by a unit of work, and those that have been decoded and wait."""


@dataclass(frozen=True)
class ThumbnailDigests:
    """The rows to be shuffled: of each readable image its row, the digests of its thumbnail and of its file.

    Attributes:
        some: the images.
    """

    some: Some

    @property
    def images(self) -> int:
        return self.some.images

    def table(self, folder: Folder) -> Any:
        import pyarrow as pa

        return pa.concat_tables(_digests(folder, first, shard.file) for first, shard in self.some.each())


@dataclass(frozen=True)
class PixelDigests:
    """The unit that decodes some images whole: its file has the digests of their pixels, in their order.

    Attributes:
        file: its name.
        names: of the images.
        folder: relative paths of images start here.
    """

    file: str
    names: tuple[str, ...]
    folder: str

    @property
    def images(self) -> int:
        return len(self.names)

    def write(self, _: Folder, place: Path) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        with thread_pool() as pool, quiet_pillow():
            found = list(map_ahead(pool, _pixels, ShardImages(self.names, self.folder), _AHEAD))
        parquet.write_table(pa.table({"digest": pa.array(found, pa.string())}), place)


def find_exact(stages: Stages) -> list[Pair]:
    """Pairs of each image and the first one with the same pixels, in the order of the first ones."""
    units, images = stages.listing.units(), len(stages.listing)
    buckets = -(-images // BUCKET)
    stages.write("sorting digests", [Split(some.number, ThumbnailDigests(some), buckets) for some in units])
    stages.write("comparing digests", [Join(each, len(units), images // buckets) for each in range(buckets)])
    groups = partial(equal_rows, stages.listing.folder, buckets)  # read twice: they need more memory than pairs
    pixels = pixel_digests(stages, "exact", (row for group in groups() for row in _to_decode(group)))
    found = (pair for group in groups() for pair in _pairs(group, pixels))
    return sorted(found, key=lambda pair: (pair.first, pair.second))


def pixel_digests(stages: Stages, name: str, rows: Iterable[int]) -> dict[int, str]:
    """The digests of the full-size pixels of some images, by row.

    Args:
        stages: of the check.
        name: for the files.
        rows: any; each is decoded once.
    """
    wanted = np.unique(np.fromiter(rows, np.int64))
    names = list(stages.listing.names(wanted))
    units = [
        PixelDigests(f"{name}-{start:09}.parquet", tuple(names[start : start + _TOGETHER]), stages.images_in)
        for start in range(0, len(names), _TOGETHER)
    ]
    stages.write("comparing pixels", units)
    digests = (digest for unit in units for digest in _column(stages.listing.folder, unit.file))
    return dict(zip(wanted.tolist(), digests, strict=True))


def _digests(folder: Folder, first: int, part: str) -> Any:
    import pyarrow as pa
    from pyarrow import compute, parquet

    with folder.open(part) as opened, parquet.ParquetFile(opened) as file:
        found = file.read(["thumbnail", "digest"])
    rows = pa.array(np.arange(first, first + len(found)))
    table = pa.table({"key": found["thumbnail"], "row": rows, "file": found["digest"]})
    return table.filter(compute.field("key").is_valid())


def _to_decode(group: list[dict[str, Any]]) -> Iterator[int]:
    """The first image of each file, if the files of a group are not all the same."""
    first_of = {row["file"]: row["row"] for row in reversed(group)}
    return iter(first_of.values() if len(first_of) > 1 else ())


def _pairs(group: list[dict[str, Any]], pixels: dict[int, str]) -> list[Pair]:
    files = {row["row"]: row["file"] for row in group}
    return exact_pairs(list(files), files.__getitem__, pixels.__getitem__)


def _pixels(image: str | RemoteImage) -> str:
    if isinstance(image, str):
        return pixels_digest(Path(image), image)
    try:
        return pixels_digest(image.read(), image.name)
    except UnreadableImageError:
        return image.name


def _column(folder: Folder, name: str) -> list[str]:
    from pyarrow import parquet

    with folder.open(name) as opened, parquet.ParquetFile(opened) as file:
        found: list[str] = file.read().column(0).to_pylist()
    return found
