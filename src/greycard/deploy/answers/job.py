"""The record of predictions: which model and which options they belong to. It is also the lock of its writer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from greycard.core.errors import GreycardError
from greycard.core.locks import try_lock
from greycard.core.records import Fraction, Number, Seconds, from_json, to_json

ENDING = ".job.json"
SCHEMA = 1
_HINT = "pass such a value, or leave the argument out"


@dataclass(frozen=True)
class Question:
    """What is asked of each image.

    Attributes:
        top: the number of classes in each answer.
        every: seconds between two frames of a video.
        refuse: which share of the classes' own images may be refused, `default` or `none`.
        unsure: predictions below this probability are to be reviewed, of several labels that of the least sure one;
            None for no review.
        sets: the share of prediction sets that have the right class; None for no sets.
        labels: all labels of the run, if an image can have several; each answer has the probability of each.
    """

    top: Number = 1
    every: Seconds = 1.0
    refuse: str = "default"
    unsure: Fraction | None = None
    sets: Fraction | None = None
    labels: tuple[str, ...] = ()

    @classmethod
    def asked(
        cls, top: int, refuse: float | str | None, unsure: float | None, sets: float | None, every: float = 1.0
    ) -> Question:
        """The question of a Python caller, who has no command line that checks the options.

        Raises:
            GreycardError: an argument of another type, or out of range.
        """
        given = {"top": top, "every": every, "unsure": unsure, "sets": sets}
        plain = {name: each.item() if isinstance(each, np.generic) else each for name, each in given.items()}
        try:
            found = from_json(cls, {**plain, "refuse": "none" if refuse is None else str(refuse), "labels": []})
        except GreycardError as error:
            raise GreycardError(error.args[0], hint=_HINT) from error
        if not found.every:
            raise GreycardError("every must be more than 0. Received: 0", hint=_HINT)
        return found


@dataclass(frozen=True)
class Job:
    """What all answers of one file have in common.

    Attributes:
        run: the run's name.
        model: SHA-256 of the run's model file.
        question: what was asked.
        folder: relative paths of images start here.
        schema: the version of this record.
    """

    run: str
    model: str
    question: Question
    folder: str
    schema: int = SCHEMA

    def words(self) -> list[str]:
        """What can differ between two jobs, one phrase for each thing."""
        asked = self.question
        return [
            f"the run {self.run}",
            f"a model with the SHA-256 {self.model[:12]}",
            f"--top {asked.top}",
            f"--every {asked.every:g}s",
            f"--refuse {asked.refuse}",
            "no --unsure" if asked.unsure is None else f"--unsure {asked.unsure:g}",
            "no --sets" if asked.sets is None else f"--sets {asked.sets:g}",
            f"image paths that start in {self.folder}",
            f"format {self.schema}",
        ]

    def expect_same(self, place: Path, new: Job) -> None:
        """Raise a GreycardError if `place` has answers of this job, and a new one is another."""
        for had, has in zip(self.words(), new.words(), strict=True):
            if had != has:
                raise GreycardError(
                    f"{place} has answers of {had}. Received: {has}",
                    hint=f"choose another name, or move it and {job_path(place).name} away",
                )


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
            _read(path, text).expect_same(place, job)
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
