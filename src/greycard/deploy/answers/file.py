"""A file of answers that grows line by line, and continues after its writer was killed.

CSV and JSON lines are written directly. A Parquet file is complete only with its end, so its answers are first written
as JSON lines beside it, and become a Parquet file when all are there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from greycard.core.atomic_files import atomic_path
from greycard.core.errors import GreycardError
from greycard.core.output_files import expect_folder_of
from greycard.deploy.answers.answer import Answer, as_text
from greycard.deploy.answers.job import Job, Question, has_job, held_job, job_path
from greycard.deploy.answers.lines import ODD_NAMES, CsvLines, JsonLines, Lines
from greycard.deploy.answers.parquet import expect_pyarrow, read_parquet, write_parquet

ENDINGS = (".csv", ".jsonl", ".parquet")
_PARQUET = ENDINGS[2]
_ROWS = ".rows.jsonl"
_SECONDS = 1.0
"""Answers reach the disk at least this often, so a kill costs the work of about a second."""

_LONGEST_LINE = 1 << 20
"""Bytes. More than that after the last complete line is no line that was cut off."""


class AnswersFile:
    """An answers file that is being written.

    Attributes:
        place: the file.
        bad: the number of unreadable images in it.
        camera: the first frame of a camera in it; None without one.
    """

    def __init__(self, place: Path, job: Job) -> None:
        self.place, self.bad = place, 0
        self.camera: str | None = None
        self._asked, self._lines, self._path = job.question, _lines(place, job.question), _lines_path(place)
        self._known: set[str] = set()
        self._stream: IO[str] | None = None
        self._written = time.monotonic()
        for answer in read_answers(place, job.question, whole=False):
            self._count(answer)

    def __len__(self) -> int:
        return len(self._known)

    def has(self, path: str) -> bool:
        """Whether an image already has its answer."""
        return as_text(path) in self._known

    def append(self, answer: Answer) -> None:
        """Write an answer; it is on the disk about a second later."""
        self._stream = self._stream or self._opened()
        self._stream.write(self._lines.text(answer))
        self._count(answer)
        if time.monotonic() - self._written > _SECONDS:
            self._to_disk(self._stream)

    def close(self) -> None:
        if self._stream:
            with self._stream:
                self._to_disk(self._stream)
            self._stream = None

    def finish(self) -> None:
        """Complete the file: a Parquet file is written from its lines, which are then removed."""
        self.close()
        if self.place.suffix.lower() == _PARQUET and self._path.exists():
            with atomic_path(Path(os.path.realpath(self.place))) as draft:
                write_parquet(draft, read_answers(self.place, self._asked), self._asked)
            self._path.unlink()

    def _opened(self) -> IO[str]:
        """The stream that new lines go to, after the last complete line."""
        stream = self._path.open("a", encoding="utf-8", errors=ODD_NAMES, newline="")
        stream.truncate(_whole_bytes(self._path, self._lines))
        if not self._path.stat().st_size:
            stream.write(self._lines.first)
        return stream

    def _count(self, answer: Answer) -> None:
        self._known.add(as_text(answer.path))
        self.bad += bool(answer.error)
        if self.camera is None and answer.path.startswith("camera:"):
            self.camera = answer.path

    def _to_disk(self, stream: IO[str]) -> None:
        stream.flush()
        os.fsync(stream.fileno())
        self._written = time.monotonic()


@contextmanager
def answers_file(place: Path, job: Job) -> Iterator[AnswersFile]:
    """Begin or continue an answers file; only one process does so at a time.

    Raises:
        GreycardError: the file has answers of another job, was not made by Greycard, or cannot be written.
    """
    expect_answers_place(place)
    with held_job(place, job) as is_new:
        answers = AnswersFile(place, job)
        try:
            yield answers
        finally:
            answers.close()
            if is_new and not len(answers):
                job_path(place).unlink(missing_ok=True)


def expect_answers_place(place: Path) -> None:
    """Raise GreycardError if a path cannot be an answers file; this creates nothing."""
    if place.is_dir():
        raise GreycardError(
            f"{place} is a folder; expected the name of a file", f"for example {place / 'predictions.csv'}"
        )
    if place.suffix.lower() not in ENDINGS:
        raise GreycardError(
            f"an answers file must end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}. Received: {place}",
            hint="for example -o predictions.csv",
        )
    if place.exists() and not place.is_file():
        raise GreycardError(f"{place} is a device or a pipe, not a file", hint="choose a file name")
    if place.suffix.lower() == _PARQUET:
        expect_pyarrow(", or write a .csv file")
    if place.exists() and place.stat().st_size and not has_job(place):
        raise GreycardError(
            f"{place} already exists and was not made by greycard predict; it is not overwritten",
            hint="choose another file name",
        )
    expect_folder_of(place, may_be_missing=False)


def read_answers(place: Path, asked: Question, *, whole: bool = True) -> Iterator[Answer]:
    """The answers of a file, each image once, in the order in which they were written.

    A kill may leave a complete Parquet file and the lines that it was written from.

    Args:
        place: the file; it may be missing, or its last line may have been cut off.
        asked: what the answers answer.
        whole: False for the answers' paths and errors only, which is faster.
    """
    path, both = _lines_path(place), set[str]()
    if place.suffix.lower() == _PARQUET and place.is_file() and place.stat().st_size:
        for answer in read_parquet(place, asked, whole=whole):
            yield answer
            if path.is_file():
                both.add(answer.path)
    if path.is_file():
        with path.open("rb") as file:
            found = (answer for answer, _ in _complete(path, file, _lines(place, asked)) if answer is not None)
            yield from (answer for answer in found if as_text(answer.path) not in both)


def _complete(path: Path, file: IO[bytes], lines: Lines) -> Iterable[tuple[Answer | None, int]]:
    """The complete lines of a file."""
    end = number = 0
    found = lines.read(_without_holes(file))
    try:
        for answer, end in found:
            number += 1
            yield answer, end
    except ValueError as error:
        raise GreycardError(
            f"line {number + 1} of {path} is damaged: {error}",
            hint="correct the line or remove it, or choose another file",
        ) from error
    if path.stat().st_size - end > _LONGEST_LINE:
        raise GreycardError(
            f"{path} is damaged after line {number}", hint="correct what follows, or choose another file"
        )


def _without_holes(file: IO[bytes]) -> Iterator[bytes]:
    """The lines up to the first one with zero bytes, which a power cut leaves where the last lines were."""
    for line in file:
        if b"\0" in line:
            return
        yield line


def _whole_bytes(path: Path, lines: Lines) -> int:
    """The length of the complete lines."""
    with path.open("rb") as file:
        return max((end for _, end in _complete(path, file, lines)), default=0)


def _lines(place: Path, asked: Question) -> Lines:
    return CsvLines(asked) if place.suffix.lower() == ENDINGS[0] else JsonLines()


def _lines_path(place: Path) -> Path:
    """The file of lines: the answers file itself, or the one beside a Parquet file."""
    return place.with_name(place.name + _ROWS) if place.suffix.lower() == _PARQUET else place
