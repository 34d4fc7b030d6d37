"""Finish a search: measure the best model on the images set aside, and make its run the search's own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from greycard.core.atomic_files import atomic_write
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset
from greycard.evaluation.rejection.stored import Stored
from greycard.jobs.measure_test import answers_on
from greycard.jobs.rejection import recalibrated
from greycard.models.saved import load_model
from greycard.reports.columns import seconds as seconds_text
from greycard.reports.ladder import minutes_text
from greycard.runs.directory import REJECTION, RUN_ARGS, SPLIT, SUMMARY, RunDirectory
from greycard.runs.record import RunRecord
from greycard.runs.schema import Summary
from greycard.search.record import DONE, SearchRecord
from greycard.training.decode import decoded_split

_OWN = (SUMMARY, SPLIT, RUN_ARGS, REJECTION)
"""Files that the search's run has from the search itself."""


@dataclass(frozen=True)
class Reported:
    """The best run with the figures that are measured on the images set aside.

    Attributes:
        summary: of the run.
        rejection: with its limit set on those images; None if the run refuses no image.
    """

    summary: Summary
    rejection: Stored | None


def with_test(best: RunRecord, dataset: Dataset, reporter: Reporter) -> Reported:
    """The best run with the reported figures, measured on the images set aside.

    Args:
        best: a finished run.
        dataset: its test images are those set aside.
        reporter: shows progress.
    """
    assert dataset.test is not None
    test = decoded_split(best.recipe, dataset.test, "set-aside", reporter)
    summary = replace(best.summary, left_out=best.summary.left_out + test.left_out)
    if not len(test):
        return Reported(summary, best.rejection)
    with reporter.status("measuring the images set aside"):
        answers = answers_on(test, load_model(best.path), best.recipe)
        measured, rejection = answers.measured(best.task, test.labels), best.rejection
    if rejection is not None:
        rejection = recalibrated(rejection, test, answers.features, best.recipe.training.seed)
        summary = replace(summary, rejection=rejection.scores.rejection())
    if summary.numbers is not None:
        # The validation images, which the best recipe was chosen on, say nothing about new ones.
        summary = replace(summary, numbers=replace(summary.numbers, test=measured.numbers, reach=measured.reach))
    labels = answers.label_scores(best.task, test.labels, best.classes)
    found = replace(summary, test_images=len(test), test_accuracy=measured.accuracy, test_loss=measured.loss)
    return Reported(replace(found, test_labels=labels), rejection)


def finish_search(record: SearchRecord, best: RunRecord, reported: Reported, directory: RunDirectory) -> None:
    """Write the best run's files into the search's folder, the summary last.

    Args:
        record: the search.
        best: its best run.
        reported: the best run's figures.
        directory: of the search.
    """
    for file in sorted(best.path.iterdir()):
        if file.is_file() and file.name not in _OWN:
            atomic_write(directory.path / file.name, file.read_bytes())
    if reported.rejection is not None:
        directory.write_rejection(reported.rejection)
    directory.finish(replace(reported.summary, reason=_reason(record)))


def _reason(record: SearchRecord) -> str:
    done = sum(rung.state == DONE for rung in record.rungs)
    tried = f"the best of {done} recipes" if done > 1 else "the only recipe"
    return (
        f"{record.best}: {tried} that a search trained in {seconds_text(record.spent_seconds)} of"
        f" {minutes_text(record.minutes)}, chosen on {record.val_images:,} validation images"
    )
