"""Predict many images in shards: each becomes one whole Parquet file, here or on many machines."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from greycard.cluster.claims import claimed, remove_claims
from greycard.cluster.engine import Engine
from greycard.cluster.shards import Shard, begin, names_of
from greycard.cluster.where import HERE, Where, open_engine
from greycard.core.atomic_files import remove_drafts
from greycard.core.errors import GreycardError
from greycard.core.reporter import Reporter
from greycard.deploy.answers.answer import Answer, answer_of
from greycard.deploy.answers.job import Job, Question
from greycard.deploy.answers.parquet import expect_pyarrow, read_errors, write_parquet
from greycard.deploy.rules import rules_of
from greycard.jobs.open_run import Run
from greycard.jobs.predict import job_of
from greycard.training.interruption import InterruptedRunError

if TYPE_CHECKING:
    from greycard.deploy.predict import Prediction

_NAMED = 5
"""Unreadable files that are named at the end."""


@dataclass(frozen=True)
class Task:
    """A shard, to be predicted now.

    Attributes:
        shard: which images.
        folder: of the parts.
        run: the run's folder.
        job: the model and what is asked.
        own: whether it belongs to this process where the file system has no locks.
    """

    shard: Shard
    folder: Path
    run: Path
    job: Job
    own: bool


@dataclass(frozen=True)
class Parts:
    """The result of predicting in shards.

    Attributes:
        folder: of the parts.
        images: number of images with an answer.
        parts: number of parts that are there.
        planned: number of parts of all images.
        bad: number of unreadable images.
        examples: some of them, with the reason.
    """

    folder: Path
    images: int
    parts: int
    planned: int
    bad: int
    examples: tuple[tuple[str, str], ...]

    def lines(self) -> Iterator[str]:
        bad = f", {self.bad:,} could not be read" if self.bad else ""
        left = "" if self.parts == self.planned else f" of {self.planned:,}; the others are predicted elsewhere"
        yield f"{self.folder}: {self.images:,} images in {self.parts:,} parts{left}{bad}"
        yield from (f"  {name}: {why}" for name, why in self.examples)
        if self.bad > len(self.examples):
            yield f"  and {self.bad - len(self.examples):,} more (the column error)"


def predict_shards(
    run: Run,
    names: Iterable[str],
    folder: Path,
    asked: Question,
    reporter: Reporter,
    *,
    shard: int = 4096,
    where: Where | None = None,
    share: tuple[int, int] = (0, 1),
) -> Parts:
    """Predict image files into Parquet files, `part-000000.parquet` and so on; the same call again continues.

    Args:
        run: finished, with classes.
        names: paths of the images; each is read once, so there may be millions.
        folder: of the parts; a new one, or one that an earlier call began.
        asked: what is asked of each image.
        reporter: shows progress.
        shard: the most images of a part.
        where: None for this process.
        share: which part of how many, counted from 0, this process begins with.

    Raises:
        GreycardError: a regression, or a folder with answers of other images, another model or other options.
        InterruptedRunError: a signal; the same call continues.
    """
    if not run.task.has_classes:
        raise GreycardError(f"{run.path} is a regression on numbers; shards are of images", hint="predict it directly")
    expect_pyarrow()
    rules_of(run, asked.refuse, asked.sets)
    folder, job = folder.absolute(), job_of(run, asked)
    with open_engine(where or Where(HERE), reporter.log) as engine:
        shards = begin(folder, names, shard, job)
        number, of = share
        tasks = [Task(each, folder, run.path.absolute(), job, each.number % of == number) for each in shards]
        tasks.sort(key=lambda task: (task.shard.number - number) % of)
        try:
            _predict(engine, [task for task in tasks if not _place(task).is_file()], reporter)
        except KeyboardInterrupt as stop:
            engine.cancel()
            raise _interrupted(stop, folder, tasks) from stop
    return _parts(folder, tasks)


def predict_shard(task: Task) -> int:
    """Predict a shard unless its part is there; returns the number of images, 0 if another process has it.

    Raises:
        GreycardError: the model has changed, or the part cannot be written.
    """
    with claimed(task.folder, task.shard.file, otherwise=task.own) as mine:
        if _place(task).is_file() or not mine:
            return 0
        remove_drafts(task.folder, task.shard.file)
        run, asked = _opened(task.run, task.job.model), task.job.question
        names = list(names_of(task.folder, task.shard))
        paths = [os.path.join(task.job.folder, name) for name in names]
        found = run.predict_each(paths, refuse=asked.refuse, sets=asked.sets)
        answers = map(partial(_answer, asked), names, found)
        write_parquet(_place(task), answers, asked)
        return len(names)


def _answer(asked: Question, name: str, found: Prediction) -> Answer:
    """The answer under the name that the user gave."""
    return replace(answer_of(found, asked), path=name)


@lru_cache(maxsize=1)
def _opened(path: Path, model: str) -> Run:
    """The run, whose model a process needs for all of its shards."""
    run = Run(path)
    if job_of(run, Question()).model != model:
        raise GreycardError(f"the model of {path} is another one than when the prediction began", hint="predict again")
    return run


def _predict(engine: Engine, tasks: list[Task], reporter: Reporter) -> None:
    count = reporter.progress("predicting", sum(task.shard.count for task in tasks))
    failed: list[GreycardError] = []
    for done in engine.each(predict_shard, tasks):
        if done.error:
            failed.append(done.error)
        else:
            count(done.unit.shard.count)
    if failed:
        raise GreycardError(
            f"{len(failed)} of {len(tasks)} parts could not be predicted: {failed[0].args[0]}",
            hint=f"{failed[0].hint}; the same command continues",
        )


def _place(task: Task) -> Path:
    return task.folder / task.shard.file


def _parts(folder: Path, tasks: list[Task]) -> Parts:
    """Count what is there, from the parts themselves."""
    images = bad = there = 0
    examples: list[tuple[str, str]] = []
    for task in sorted(tasks, key=lambda task: task.shard.number):
        if _place(task).is_file():
            rows, errors, named = read_errors(_place(task), _NAMED - len(examples))
            there, images, bad = there + 1, images + rows, bad + errors
            examples += named
    if there == len(tasks):
        remove_claims(folder)
    return Parts(folder, images, there, len(tasks), bad, tuple(examples))


def _interrupted(stop: KeyboardInterrupt, folder: Path, tasks: list[Task]) -> InterruptedRunError:
    done = f"{sum(_place(task).is_file() for task in tasks):,} of {len(tasks):,} parts are there"
    return InterruptedRunError(folder, done, getattr(stop, "number", signal.SIGINT), "the same command continues it")
