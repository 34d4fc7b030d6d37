"""Measure a finished run on the user's own test images, and record the measurement in the run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from greycard.audit.seen import find_seen, image_digests
from greycard.core.errors import GreycardError, command
from greycard.core.reporter import Reporter
from greycard.datasets.as_test import LabelledImages, open_as_test
from greycard.datasets.dataset import Dataset, Split
from greycard.datasets.source import Source
from greycard.evaluation.label_scores import LabelScores, label_scores
from greycard.evaluation.thresholds import cross_fitted
from greycard.jobs.data import dataset_of
from greycard.jobs.mistakes import worst_mistakes
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.loader import Loader, prediction_batch
from greycard.reports.test_page import measurement_page
from greycard.runs.measurements import (
    MISTAKES,
    PREDICTIONS,
    Earlier,
    Measurement,
    SeenImages,
    measurements_of,
    next_number,
    read_arrays,
    write_measurement,
)
from greycard.runs.record import RunRecord, find_runs
from greycard.tasks.multilabel import MultiLabel
from greycard.training.decode import decoded_split

if TYPE_CHECKING:
    from greycard.deploy.classifier import Classifier


def expect_testable(run: RunRecord) -> None:
    """Raise GreycardError for an unfinished run and for a regression."""
    run.expect_finished()
    if not run.task.has_classes:
        raise GreycardError(
            f"{run.path} is a regression; only a classifier can be measured on images",
            hint=f"`{command('show', run.path)}` shows its results",
        )


def measure_run(
    run: RunRecord,
    classifier: Callable[[], Classifier],
    data: Dataset | Source | str | Path,
    data_dir: str | Path | None,
    reporter: Reporter,
) -> Measurement:
    """Measure the saved, calibrated model on every image of `data`.

    Args:
        run: finished, with classes.
        classifier: loads the run's classifier; called after the data is opened, because Keras starts slowly.
        data: anything that `open_dataset` takes; it may lack classes of the run.
        data_dir: the folder of named datasets.
        reporter: shows progress.

    Raises:
        GreycardError: the data cannot be opened, has unknown classes, or no readable images.
    """
    opened = open_as_test(data, run.classes, run.name, data_dir, several=run.task.has_several)
    pixels = decoded_split(run.recipe, opened.images, "test", reporter)
    if not len(pixels):
        raise GreycardError(
            f"none of the {len(opened.images):,} images in {opened.name} can be decoded",
            hint=f"`{command('check', opened.name)}` names the reasons",
        )
    with reporter.status("starting Keras"):
        loaded = classifier()
    with reporter.status(f"measuring {len(pixels):,} test images"):
        probabilities = _probabilities(loaded, pixels)
    right = run.calibrated_task.correct(pixels.labels, probabilities)
    images = _readable(opened.images, pixels)
    seen = _seen(run, images, right, data_dir, reporter)
    return _record(run, opened, pixels, probabilities, image_digests(images), seen)


def _probabilities(classifier: Classifier, pixels: ArraySplit) -> np.ndarray:
    engine, loader = classifier.at_once, Loader(pixels, prediction_batch(pixels))
    return np.concatenate([engine(images) for images, _ in loader.epoch(0)])


def _readable(images: Split, pixels: ArraySplit) -> Split:
    """The images without those that could not be decoded."""
    kept = set(pixels.ids)
    return images.take([row for row, id in enumerate(images.ids) if id in kept])


def _seen(
    run: RunRecord, images: Split, right: np.ndarray, data_dir: str | Path | None, reporter: Reporter
) -> SeenImages | None:
    """The images that the run was trained or validated on; None if the run's images are not available."""
    try:
        dataset = dataset_of(run, None, data_dir)
    except GreycardError:  # they were moved or changed; the measurement does not need them
        return None
    sides, data = (dataset.train, dataset.validation, images), run.recipe.data
    assert data.image_size is not None
    count = reporter.progress("reading the training images", sum(map(len, sides)))
    with reporter.status("looking for training images"):
        found = find_seen(*sides, data.image_size, data.channels, lambda: count(1))
    counts = int(found.in_train.sum()), int(found.in_validation.sum())
    return SeenImages(*counts, found.example, found.searched, int(right[~found.anywhere].sum()))


def _record(
    run: RunRecord,
    opened: LabelledImages,
    pixels: ArraySplit,
    probabilities: np.ndarray,
    digests: Sequence[str],
    seen: SeenImages | None,
) -> Measurement:
    """Write the measurement to the run."""
    task, val = run.calibrated_task, _right_on_validation(run, pixels.labels)
    found = Measurement(
        number=next_number(run),
        run=run.name,
        data=opened.name,
        measured=datetime.now(UTC).isoformat(timespec="seconds"),
        digest=hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest(),
        images=len(pixels),
        right=int(task.correct(pixels.labels, probabilities).sum()),
        labels=_label_scores(run, pixels.labels, probabilities),
        val_images=len(val),
        val_right=int(val.sum()),
        seen=seen,
        earlier=_earlier(run, digests),
        missing=opened.missing,
        left_out=(*opened.left_out, *pixels.left_out),
        greycard=version("greycard"),
    )
    ids, labels, rows, images = worst_mistakes(task, pixels, probabilities)
    mistakes = {"ids": np.array(ids, np.str_), "labels": labels, "probabilities": rows, "images": images}
    predictions = {
        "ids": np.array(pixels.ids, np.str_),
        "labels": pixels.labels,
        "probabilities": probabilities.astype(np.float32),
        "digests": np.array(digests, np.str_),
    }
    page = measurement_page(run, found, predictions, mistakes)
    while True:
        try:
            write_measurement(run, found, {PREDICTIONS: predictions, MISTAKES: mistakes}, page)
        except IsADirectoryError:  # another process has just taken this number
            found = replace(found, number=found.number + 1)
        else:
            return found


def _right_on_validation(run: RunRecord, labels: np.ndarray) -> np.ndarray:
    """Which validation images of the classes in `labels` are predicted correctly, bool (n,).

    Another mix of classes alone would change the accuracy. Where an image can have several labels, the thresholds that
    decide it were chosen on other images, as those that decide the test images.
    """
    found, task = run.predictions, run.task
    right = task.correct(found["labels"], found["probabilities"])
    if isinstance(task, MultiLabel):
        right = (cross_fitted(found["labels"], found["probabilities"]) == found["labels"]).all(axis=1)
    return right[task.only_classes_of(found["labels"], labels)]


def _label_scores(run: RunRecord, labels: np.ndarray, probabilities: np.ndarray) -> LabelScores | None:
    """Each label's figures by calibrated probabilities and the run's thresholds, if an image can have several."""
    task = run.task
    if not isinstance(task, MultiLabel):
        return None
    decided = run.calibrated_task.decide(probabilities)
    return label_scores(labels, probabilities, decided, run.classes, task.thresholds)


def _earlier(run: RunRecord, digests: Sequence[str]) -> tuple[Earlier, ...]:
    """Measurements of this run, and of the runs next to it, on some of the same images."""
    now, found = set(digests), []
    for each in (run, *_others(run)):
        with suppress(GreycardError):  # a damaged file must not prevent this measurement
            for measured in measurements_of(each):
                shared = len(now & set(read_arrays(each, measured.number, PREDICTIONS)["digests"].tolist()))
                if shared:
                    found.append(Earlier(each.name, measured.measured, shared, measured.right, measured.images))
    return tuple(sorted(found, key=lambda each: each.measured))


def _others(run: RunRecord) -> list[RunRecord]:
    """The other runs in the same folder."""
    place = run.path.absolute()
    return [RunRecord(path) for path in find_runs(place.parent) if path.name != place.name]
