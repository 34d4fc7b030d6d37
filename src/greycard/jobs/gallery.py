"""Write the gallery of an answers file."""

from __future__ import annotations

from pathlib import Path

from greycard.core.reporter import Reporter
from greycard.deploy.answers.content import expect_kept
from greycard.deploy.answers.file import read_answers
from greycard.deploy.answers.job import Job
from greycard.deploy.gallery.gallery import write_gallery
from greycard.jobs.predict import Predicted
from greycard.runs.record import RunRecord


def make_gallery(run: RunRecord, predicted: Predicted, job: Job, root: Path, reporter: Reporter) -> Path:
    """Write the page and its thumbnails; returns the page.

    Args:
        run: that predicted.
        predicted: the file of answers.
        job: its record.
        root: the gallery's folder.
        reporter: is shown the progress.

    Raises:
        GreycardError: an image is a camera's frame.
    """
    expect_kept(predicted.camera, "--gallery")
    done = reporter.progress("thumbnails", len(predicted))
    answers, several = read_answers(predicted.place, job.question), bool(job.question.labels)
    return write_gallery(root, run.name, answers, run.classes, job.question.every, done, several=several)
