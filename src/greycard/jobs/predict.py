"""Predict many images into a file of answers; the same call continues after a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from greycard.core.errors import GreycardError
from greycard.core.reporter import Reporter
from greycard.datasets.digests import file_digest
from greycard.deploy.answers.answer import answer_of
from greycard.deploy.answers.file import answers_file
from greycard.deploy.answers.job import Job, Question
from greycard.deploy.inputs.images import Images

if TYPE_CHECKING:
    from greycard.deploy.predict import Prediction
    from greycard.deploy.sources import ImageLike
    from greycard.jobs.open_run import Run

PredictEach = Callable[[Iterable["ImageLike"]], Iterator["Prediction"]]
"""`Run.predict_each` with its options."""


@dataclass(frozen=True)
class Predicted:
    """The result of predicting into a file.

    Attributes:
        place: the file of answers.
        new: the number of images predicted in this call.
        before: the number of answers that the file had before.
        bad: the number of unreadable images in the file.
        camera: the first frame of a camera in the file; None without one.
    """

    place: Path
    new: int
    before: int
    bad: int
    camera: str | None = None

    def __len__(self) -> int:
        return self.new + self.before

    def __str__(self) -> str:
        are = "image" if len(self) == 1 else "images"
        bad = f", {self.bad:,} could not be read" if self.bad else ""
        if not self.new:
            return f"{self.place} has the answers of all {self.before:,} {are}{bad}; there is nothing to predict"
        added = f", {self.new:,} of them new" if self.before else ""
        return f"{self.place}: {len(self):,} {are}{added}{bad}"


def job_of(run: Run, asked: Question) -> Job:
    """The record of an answers file; GreycardError if the run is unfinished, or has no classes to rank."""
    if not run.model_path.is_file():
        run.expect_finished()
    if run.task.has_several:
        expect_no_top(asked.top)
        asked = replace(asked, labels=run.classes)
    else:
        asked = replace(asked, top=min(asked.top, len(run.classes)))
    return Job(run.name, file_digest(run.model_path), asked, str(Path.cwd()))


def expect_no_top(top: int) -> None:
    """Raise GreycardError for a number of most likely classes: an image can have several labels, which have no rank."""
    if top != 1:
        raise GreycardError(
            f"--top {top} is for runs with one class per image; this run answers with the probability of every label",
            hint="leave out --top",
        )


def predict_to(run: Run, place: Path, images: Images, job: Job, reporter: Reporter) -> Predicted:
    """Predict the images that the file has no answer of yet, and add their answers.

    Args:
        run: finished, with classes.
        place: a `.csv`, `.jsonl` or `.parquet` file: a new one, or one that an earlier call began.
        images: any number; a few batches of pixels are in memory at a time.
        job: from `job_of`.
        reporter: is shown the number of images, images per second and the time left.

    Raises:
        GreycardError: the file has answers of another run or other options, or is not of Greycard.
    """
    asked = job.question
    with answers_file(place, job) as answers:
        before, left = len(answers), images.without(answers.has)
        if before and left.count:
            reporter.log(f"{place} has {before:,} answers; {left.count:,} images are left")
        each = left.each(answers.has)
        first = list(islice(each, 1))
        if first:  # otherwise Keras need not start
            with reporter.status("starting Keras"):
                predict_each = partial(run.predict_each, refuse=asked.refuse, sets=asked.sets)
                predictions = predictions_of(predict_each, chain(first, each), live=images.live)
            count = reporter.progress("predicting", left.count)
            for found in predictions:
                answers.append(answer_of(found, asked))
                count(1)
        answers.finish()
        return Predicted(place, len(answers) - before, before, answers.bad, answers.camera)


def predictions_of(predict_each: PredictEach, images: Iterable[ImageLike], *, live: bool) -> Iterator[Prediction]:
    """A prediction for each image, in order; if `live`, no image waits for later ones, such as a camera's frame."""
    return (found for image in images for found in predict_each([image])) if live else predict_each(images)
