"""Predict many images into files: the answers, images sorted by them, and a gallery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from greycard.core.errors import GreycardError, command
from greycard.core.output_files import expect_folder_of
from greycard.core.reporter import Reporter
from greycard.deploy.answers.file import expect_answers_place
from greycard.deploy.answers.job import Question, held_job
from greycard.deploy.gallery.gallery import expect_gallery_place
from greycard.deploy.inputs.images import Images, expect_outside
from greycard.deploy.rules import rules_of
from greycard.jobs.gallery import make_gallery
from greycard.jobs.predict import Predicted, job_of, predict_to
from greycard.jobs.sort_images import SortedImages, sort_images

if TYPE_CHECKING:
    from greycard.jobs.open_run import Run

_ANSWERS, _HIDDEN = "predictions.csv", ".greycard"


@dataclass(frozen=True)
class Destinations:
    """Where predictions go; at least one of the three.

    Attributes:
        output: the file of answers; by default it is in the folder of the images or the gallery.
        sort_into: a folder for images sorted by answer.
        copies: True for copies in place of links.
        gallery: a folder for a page.
    """

    output: Path | None = None
    sort_into: Path | None = None
    copies: bool = False
    gallery: Path | None = None

    @property
    def answers(self) -> Path:
        """The file of answers. In a folder of images it is hidden, so that the folder can be trained on."""
        if self.output is not None:
            return self.output
        return self.sort_into / _HIDDEN / _ANSWERS if self.sort_into else self._gallery / _ANSWERS

    @property
    def folders(self) -> tuple[Path, ...]:
        return tuple(each for each in (self.sort_into, self.gallery) if each is not None)

    @property
    def _gallery(self) -> Path:
        assert self.gallery is not None
        return self.gallery


@dataclass(frozen=True)
class Outcome:
    """What was predicted and written; the last two only if they were asked for."""

    predicted: Predicted
    sorted_images: SortedImages | None
    page: Path | None

    def lines(self) -> Iterator[str]:
        yield str(self.predicted)
        if self.sorted_images:
            yield str(self.sorted_images)
        if self.page:
            yield f"{self.page}: open it in a browser to look at the answers and to correct them"


def predict_files(
    run: Run, words: Iterable[str], images: Images, to: Destinations, asked: Question, reporter: Reporter
) -> Outcome:
    """Predict images into files; the same call again continues, or finds that there is nothing to do.

    Args:
        run: finished, with classes.
        words: what the user named as images.
        images: what they stand for.
        to: what to write.
        asked: what is asked of each image.
        reporter: is shown the progress.

    Raises:
        GreycardError: the run predicts numbers; a place is not usable, or has answers of another run or other options.
    """
    if not run.task.has_classes:
        raise GreycardError(
            f"{run.path} predicts numbers; files of answers, folders and galleries are for classes",
            hint=f"`{command('predict', run.path, 'FOLDER', '--format', 'csv')}` prints the numbers",
        )
    _expect_places(words, images, to)
    rules_of(run, asked.refuse, asked.sets)  # a share that cannot be promised is reported before anything is created
    job = job_of(run, asked)
    with ExitStack() as held:
        for folder in to.folders:
            folder.mkdir(exist_ok=True)
            held.enter_context(held_job(folder, job))
        to.answers.parent.mkdir(exist_ok=True)
        predicted = predict_to(run, to.answers, images, job, reporter)
        found, page = None, None
        if to.sort_into:
            found = sort_images(predicted, job, to.sort_into, run.classes, copies=to.copies, reporter=reporter)
        if to.gallery:
            page = make_gallery(run, predicted, job, to.gallery, reporter)
    return Outcome(predicted, found, page)


def _expect_places(words: Iterable[str], images: Images, to: Destinations) -> None:
    """Raise GreycardError before anything is created."""
    named = list(words)
    if to.output is not None:
        expect_answers_place(to.output)
    for folder in to.folders:
        expect_outside(folder, named, images)
        expect_folder_of(folder, may_be_missing=False)
    if to.sort_into and to.sort_into.exists() and not to.sort_into.is_dir():
        raise GreycardError(f"{to.sort_into} is a file; expected a folder", hint="choose another name")
    if to.gallery:
        expect_gallery_place(to.gallery)
    if to.folders and images.live:
        raise GreycardError(
            "a camera's frames are not kept, so they cannot be sorted or shown in a gallery",
            hint="leave --sort-into and --gallery out, or record a video and predict that",
        )
