"""A result in parts: `part-000000.parquet` and so on in one folder, with a record of what they have in common."""

from __future__ import annotations

import json
from dataclasses import dataclass

from greycard.core.errors import GreycardError
from greycard.core.records import Number, from_json
from greycard.storage.folders import Folder

MANIFEST, RECORD = "_manifest.jsonl", "_shards.json"
"""Programs that read a folder of Parquet files as one table leave out names that begin with `_`."""


@dataclass(frozen=True)
class Record:
    """What all parts of a folder have in common; the content of `_shards.json`.

    Attributes:
        work: what decides the content of the parts, in words.
        images: number of images.
        shard: the most images of a part.
        manifest: SHA-256 of the names.
    """

    work: tuple[str, ...]
    images: int
    shard: Number
    manifest: str

    @property
    def files(self) -> list[str]:
        """The names of all parts, in order."""
        return [part_file(number) for number in range(-(-self.images // self.shard))]


def part_file(number: int) -> str:
    """The name of a part, counted from 0."""
    return f"part-{number:06}.parquet"


def read_record(folder: Folder, hint: str) -> Record:
    """The record of a folder; a GreycardError with the hint if it is damaged."""
    with folder.open(RECORD) as file:
        content = file.read()
    try:
        return from_json(Record, json.loads(content))
    except (ValueError, GreycardError) as error:
        raise GreycardError(f"{RECORD} in {folder.address} is damaged", hint=hint) from error


def finished_parts(folder: Folder) -> list[str]:
    """The names of all parts of a folder with a record, in order.

    Raises:
        GreycardError: the record is damaged, or parts are missing.
    """
    files = read_record(folder, hint="compute the parts again, into another folder").files
    there = folder.names()
    found = sum(file in there for file in files)
    if found < len(files):
        raise GreycardError(
            f"{folder.address} is unfinished: it has {found:,} of {len(files):,} parts",
            hint="run the command that began it again: it continues",
        )
    return files
