"""Many images in shards: a manifest with one name a line, read by byte position, so that memory does not grow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from greycard.core.atomic_files import atomic_path, atomic_write
from greycard.core.errors import GreycardError
from greycard.core.records import Number, from_json, to_json
from greycard.deploy.answers.job import Job

MANIFEST, RECORD = "manifest.jsonl", "answers.json"


@dataclass(frozen=True)
class Shard:
    """Some images of a manifest.

    Attributes:
        number: counted from 0.
        start: position of its first line in the manifest, in bytes.
        count: number of images.
    """

    number: int
    start: int
    count: int

    @property
    def file(self) -> str:
        """The name of its part of the answers."""
        return f"part-{self.number:06}.parquet"


@dataclass(frozen=True)
class Record:
    """What all parts of a folder have in common; the content of `answers.json`.

    Attributes:
        job: the model and what is asked.
        images: number of images.
        shard: the most images of a part.
        manifest: SHA-256 of the names.
    """

    job: Job
    images: int
    shard: Number
    manifest: str


def begin(folder: Path, names: Iterable[str], shard: int, job: Job) -> list[Shard]:
    """Write the manifest and the record into a folder, or check that an earlier call has written the same.

    Args:
        folder: of the parts; a new one, or one that an earlier call began.
        names: of the images, in order.
        shard: the most images of a part.
        job: the model and what is asked.

    Raises:
        GreycardError: the folder has other files, or answers of other images, another model or other options.
    """
    known = folder / RECORD
    if folder.exists() and not known.is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise GreycardError(f"{folder} is not a new or empty folder", hint="choose another folder for the answers")
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / MANIFEST) as draft:
        shards, digest = _write(draft, names, shard)
        record = Record(job, sum(each.count for each in shards), shard, digest)
        if known.is_file():
            _expect_same(folder, _read(known), record)
    atomic_write(known, json.dumps(to_json(record), indent=2) + "\n")
    return shards


def names_of(folder: Path, shard: Shard) -> Iterator[str]:
    """The names of a shard's images."""
    with (folder / MANIFEST).open("rb") as file:
        file.seek(shard.start)
        for _ in range(shard.count):
            yield json.loads(file.readline())


def _write(place: Path, names: Iterable[str], shard: int) -> tuple[list[Shard], str]:
    """Write a manifest; returns its shards and its SHA-256."""
    starts, digest, end, count = [], hashlib.sha256(), 0, 0
    with place.open("wb") as file:
        for count, name in enumerate(names, 1):
            if (count - 1) % shard == 0:
                starts.append(end)
            line = json.dumps(name).encode() + b"\n"
            digest.update(line)
            end += file.write(line)
    last = count - shard * (len(starts) - 1)
    counts = [*[shard] * (len(starts) - 1), last] if starts else []
    pairs = enumerate(zip(starts, counts, strict=True))
    return [Shard(number, start, size) for number, (start, size) in pairs], digest.hexdigest()


def _read(place: Path) -> Record:
    try:
        return from_json(Record, json.loads(place.read_text(encoding="utf-8")))
    except (OSError, ValueError, GreycardError) as error:
        raise GreycardError(f"{place} is damaged", hint="choose another folder for the answers") from error


def _expect_same(folder: Path, old: Record, new: Record) -> None:
    hint = "choose another folder for the answers"
    old.job.expect_same(folder, new.job)
    if old.shard != new.shard:
        raise GreycardError(
            f"{folder} has parts of {old.shard:,} images. Received: --shard {new.shard}", hint=f"--shard {old.shard}"
        )
    if old.manifest != new.manifest:
        raise GreycardError(
            f"{folder} has answers for other images: {old.images:,} then, {new.images:,} now, or other names", hint=hint
        )
