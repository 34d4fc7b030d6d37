"""Predictions in shards: the answers of `greycard predict -o FILE.parquet`, a file for each shard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, ClassVar

from greycard.cluster.compute import Parts, Places, compute_shards
from greycard.cluster.images import ShardImages
from greycard.cluster.work import Counted
from greycard.core.errors import GreycardError
from greycard.core.reporter import Reporter
from greycard.deploy.answers.answer import Answer, answer_of
from greycard.deploy.answers.job import Job, Question
from greycard.deploy.answers.parquet import expect_pyarrow, read_errors, write_parquet
from greycard.deploy.rules import rules_of
from greycard.jobs.open_run import Run
from greycard.jobs.predict import job_of
from greycard.storage.folders import Folder

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
    run: Run, asked: Question, names: Iterable[str], folder: Folder, reporter: Reporter, places: Places
) -> Parts:
    """Predict image files into Parquet files; the arguments and errors are those of `compute_shards`.

    Args:
        run: finished, with classes.
        asked: what is asked of each image.

    Raises:
        GreycardError: a regression, or a mistake that `compute_shards` states.
    """
    if not run.task.has_classes:
        raise GreycardError(f"{run.path} is a regression on numbers; shards are of images", hint="predict it directly")
    expect_pyarrow()
    rules_of(run, asked.refuse, asked.sets)
    return compute_shards(Predictions(run.path.absolute(), job_of(run, asked)), names, folder, reporter, places)


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
