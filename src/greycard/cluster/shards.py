"""Many images in shards: a manifest with one name a line, read by byte position, so that memory does not grow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.core.records import to_json
from greycard.storage.folders import Folder
from greycard.storage.parts import MANIFEST, RECORD, Record, part_file, read_record

ANOTHER = "choose another folder for the parts"
"""What to do about a folder with other parts."""


@dataclass(frozen=True)
class Shard:
    """Some images of a manifest.

    Attributes:
        number: counted from 0.
        start: position of its first line in the manifest, in bytes.
        end: position after its last line.
        count: number of images.
    """

    number: int
    start: int
    end: int
    count: int

    @property
    def file(self) -> str:
        """The name of its part."""
        return part_file(self.number)


def begin(folder: Folder, names: Iterable[str], shard: int, work: Sequence[str], another: str = ANOTHER) -> list[Shard]:
    """Write the manifest and the record into a folder, or check that an earlier call has written the same.

    Args:
        folder: of the parts; a new one, or one that an earlier call began.
        names: of the images, in order.
        shard: the most images of a part.
        work: what decides the content of the parts, in words.
        another: the hint if the folder has something else.

    Raises:
        GreycardError: the folder has other files, or parts of other images or of other work.
    """
    there = _names(folder, another)
    if there and RECORD not in there:
        raise _not_empty(folder, another)
    each = iter(names)
    first = list(islice(each, 1))  # a wrong path is found here, before the folder is created
    folder.create()
    with folder.writing(MANIFEST) as draft:
        shards, digest = _write(draft, chain(first, each), shard)
        record = Record(tuple(work), sum(one.count for one in shards), shard, digest)
        if RECORD in there:
            _expect_same(folder, read_record(folder, another), record, another)
        else:  # before the manifest, so that a folder with a manifest is known as one of parts
            with folder.writing(RECORD) as place:
                place.write_text(json.dumps(to_json(record), indent=2) + "\n", encoding="utf-8")
    return shards


def names_of(folder: Folder, shard: Shard) -> list[str]:
    """The names of a shard's images."""
    with folder.open(MANIFEST) as file:
        file.seek(shard.start)
        return [json.loads(line) for line in file.read(shard.end - shard.start).splitlines()]


def _names(folder: Folder, another: str) -> set[str]:
    try:
        return folder.names()
    except NotADirectoryError as error:
        raise _not_empty(folder, another) from error


def _not_empty(folder: Folder, another: str) -> GreycardError:
    return GreycardError(f"{folder.address} is not a new or empty folder", hint=another)


def _write(place: Path, names: Iterable[str], shard: int) -> tuple[list[Shard], str]:
    """Write a manifest; returns its shards and its SHA-256."""
    starts, digest, end, count = [0], hashlib.sha256(), 0, 0
    with place.open("wb") as file:
        for count, name in enumerate(names, 1):
            line = json.dumps(name).encode() + b"\n"
            digest.update(line)
            end += file.write(line)
            if count % shard == 0:
                starts.append(end)
    if starts[-1] != end:
        starts.append(end)
    sizes = [min(shard, count - first) for first in range(0, count, shard)]
    each = enumerate(zip(starts, starts[1:], sizes, strict=False))
    return [Shard(number, start, after, size) for number, (start, after, size) in each], digest.hexdigest()


def _expect_same(folder: Folder, old: Record, new: Record, another: str) -> None:
    for had, has in zip_longest(old.work, new.work, fillvalue="another version of Greycard"):
        if had != has:
            raise GreycardError(f"{folder.address} has parts of {had}. Received: {has}", hint=another)
    if old.shard != new.shard:
        raise GreycardError(
            f"{folder.address} has parts of {old.shard:,} images. Received: {new.shard:,}",
            hint=f"--shard {old.shard}" if another == ANOTHER else another,
        )
    if old.manifest != new.manifest:
        raise GreycardError(
            f"{folder.address} has parts of other images: {old.images:,} then, {new.images:,} now, or other names",
            hint=another,
        )
