"""Predictions in shards: the answers of `greycard predict -o FILE.parquet`, a file for each shard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, ClassVar

from greycard.cluster.compute import SHARD, Parts, compute_shards, parse_places
from greycard.cluster.images import ShardImages
from greycard.cluster.names import Named, image_names, without_videos
from greycard.cluster.where import HERE
from greycard.cluster.work import Counted
from greycard.core.errors import GreycardError
from greycard.deploy.answers.answer import Answer, answer_of
from greycard.deploy.answers.job import Job, Question
from greycard.deploy.answers.parquet import expect_pyarrow, read_errors, write_parquet
from greycard.deploy.rules import rules_of
from greycard.jobs.open_run import Run
from greycard.jobs.predict import job_of
from greycard.reports.progress import terminal_reporter
from greycard.runs.record import RunRecord
from greycard.storage.folders import folder_at

if TYPE_CHECKING:
    from greycard.deploy.predict import Prediction


@dataclass(frozen=True)
class Predictions:
    """The work of predicting with a run.

    Attributes:
        run: the run's folder, absolute.
        job: the model and what is asked.
    """

    run: Path
    job: Job
    verb: ClassVar[str] = "predicting"
    errors_are_in: ClassVar[str] = "the column error"

    @property
    def folder(self) -> str:
        return self.job.folder

    def words(self) -> list[str]:
        return self.job.words()

    def write(self, place: Path, names: Sequence[str], images: ShardImages) -> None:
        run, asked = _opened(self.run, self.job.model), self.job.question
        found = run.predict_each(images, refuse=asked.refuse, sets=asked.sets)
        write_parquet(place, map(partial(_answer, asked), names, found), asked)

    def count(self, part: IO[bytes], most: int) -> Counted:
        images, bad, examples = read_errors(part, most)
        return Counted(images, bad, tuple(examples))


def predict_shards(
    run: str | Path | RunRecord,
    images: Named | Iterable[Named],
    answers: str | Path,
    *,
    top: int = 1,
    refuse: float | str | None = "default",
    unsure: float | None = None,
    sets: float | None = None,
    shard: int = SHARD,
    on: str = HERE,
    share: tuple[int, int] | None = None,
    quiet: bool = False,
) -> Parts:
    """Predict many image files into Parquet files, one for each shard; the same call again continues.

    Args:
        run: finished, with classes.
        images: an image file, a folder, a pattern, `s3://…` or `gs://…`, or a list: a `.txt` file with one name a line
            or a `.parquet` file with a column `path`. Or the names themselves, of which each is read once.
        answers: the folder of the parts, a new one or one that the same call began; it may be in remote storage.
        top, refuse, unsure, sets: as for `Run.predict_to`.
        shard: the most images of a part.
        on: where: `here`, `processes:N`, `HOST:PORT` of a Ray cluster, or `cluster`.
        share: which part of how many, counted from 0, this process begins with.
        quiet: True to print nothing.

    Raises:
        GreycardError: a mistake that the user can correct, or parts that could not be computed.
        KeyboardInterrupt: a signal; the same call continues.
    """
    places, folder, opened = (
        parse_places(on, shard, share),
        folder_at(answers),
        run if isinstance(run, Run) else Run(run),
    )
    if not opened.task.has_classes:
        raise GreycardError(f"{opened.path} predicts a number; shards are of classes", hint="predict it directly")
    expect_pyarrow()
    asked = Question.asked(top, refuse, unsure, sets)
    rules_of(opened, asked.refuse, asked.sets)
    work = Predictions(opened.path.absolute(), job_of(opened, asked))
    with terminal_reporter(quiet) as shown:
        return compute_shards(work, without_videos(image_names(images)), folder, shown, places)


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
