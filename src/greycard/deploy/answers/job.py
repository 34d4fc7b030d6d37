"""The record of predictions: which model and which options they belong to. It is also the lock of its writer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Annotated

from greycard.core.errors import GreycardError
from greycard.core.locks import try_lock
from greycard.core.records import Limits, Number, from_json, to_json

ENDING = ".job.json"
SCHEMA = 1


@dataclass(frozen=True)
class Job:
    """What all answers of one file have in common.

    Attributes:
        run: the run's name.
        model: SHA-256 of the run's model file.
        top: the number of classes in each answer.
        every: seconds between two frames of a video.
        folder: relative paths of images start here.
        schema: the version of this record.
    """

    run: str
    model: str
    top: Number
    every: Annotated[float, Limits(0)]
    folder: str
    schema: int = SCHEMA


_WORDS = {
    "run": "the run {}",
    "model": "a model with the SHA-256 {:.12}",
    "top": "--top {}",
    "every": "--every {:g}s",
    "folder": "image paths that start in {}",
    "schema": "format {}",
}


def job_path(place: Path) -> Path:
    """The record of an answers file, beside it, or of a folder, in it."""
    return place / f".greycard{ENDING}" if place.is_dir() else place.with_name(place.name + ENDING)


@contextmanager
def held_job(place: Path, job: Job) -> Iterator[bool]:
    """Hold the record of an answers file or a folder, and write it if it is new; yields whether it is new.

    Raises:
        GreycardError: the place belongs to another job, or another process writes it.
    """
    path = job_path(place)
    with path.open("a+b") as file:
        if not try_lock(file):
            raise GreycardError(f"another process writes {place}", hint="wait for it, or choose another place")
        file.seek(0)
        text = file.read()
        if text.strip():
            _expect_same(place, _read(path, text), job)
        else:
            _write(file, job)
        yield not text.strip()


def has_job(place: Path) -> bool:
    """Whether a file or a folder has a record."""
    path = job_path(place)
    return path.is_file() and path.stat().st_size > 0


def _write(file: IO[bytes], job: Job) -> None:
    file.write(json.dumps(to_json(job), indent=1).encode())
    file.flush()


def _read(path: Path, text: bytes) -> Job:
    try:
        return from_json(Job, json.loads(text))
    except (ValueError, GreycardError) as error:
        raise GreycardError(
            f"{path} is not a record of predictions", hint="choose another name, or move this file away"
        ) from error


def _expect_same(place: Path, old: Job, new: Job) -> None:
    for field in fields(Job):
        had, has = getattr(old, field.name), getattr(new, field.name)
        if had != has:
            words = _WORDS[field.name]
            raise GreycardError(
                f"{place} has answers of {words.format(had)}. Received: {words.format(has)}",
                hint=f"choose another name, or move it and {job_path(place).name} away",
            )
