"""Export a run's model, and check the exported file on the run's validation images."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from greycard.core.paths import as_path
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset
from greycard.datasets.source import Source
from greycard.deploy.classifier import Classifier
from greycard.deploy.export.export import Exported, Images, expect_place, export
from greycard.deploy.export.format import Format
from greycard.deploy.export.formats import find_format
from greycard.deploy.rules import promise_of
from greycard.jobs.data import dataset_of, validation_of
from greycard.pipeline.array_split import ArraySplit
from greycard.runs.record import RunRecord
from greycard.training.decode import decoded_split

_REPRESENTATIVE = 200


def export_run(
    run: RunRecord,
    classifier: Classifier,
    form: str,
    *,
    place: str | Path | None,
    data: str | Path | Dataset | Source | None,
    data_dir: str | Path | None,
    refuse: float | str | None,
    reporter: Reporter,
) -> Exported:
    """Write a run's classifier in another format.

    Args:
        run: finished.
        classifier: the run's classifier.
        form: the format's name.
        place: where to; by default in the run's `export/`.
        data: what `open_dataset` takes, where it is no longer where it was.
        data_dir: the folder of named datasets.
        refuse: at most this share of own images is refused, as for `predict`.
        reporter: shows progress.

    Raises:
        GreycardError: the format is unknown, images are missing, or the exported model's outputs differ.
    """
    chosen = find_format(form)
    chosen.expect_possible()
    target = Path(os.path.realpath(as_path(place, "the export"))) if place else chosen.place_in(run.path)
    expect_place(target, chosen)
    promised = promise_of(run.name, run.rejection, refuse)
    dataset = dataset_of(run, data, data_dir)
    images = _images(run, dataset, chosen, reporter)
    target.parent.mkdir(parents=True, exist_ok=True)
    with reporter.status(f"writing {chosen.name} and checking it on {len(images.validation):,} validation images"):
        return export(run, classifier, chosen, images, target, promised)


def _images(run: RunRecord, dataset: Dataset, form: Format, reporter: Reporter) -> Images:
    """The images that a format needs; only one that rounds needs other than validation images."""
    validation = validation_of(run, dataset, reporter)
    if form.exact:
        return Images(validation, np.empty(0, np.uint8), None)
    return Images(validation, _some(run, dataset, reporter), _calibration(run, dataset, reporter))


def _calibration(run: RunRecord, dataset: Dataset, reporter: Reporter) -> ArraySplit | None:
    """The images that set the limit of what is refused."""
    if run.rejection is None:
        return None
    scores = run.rejection.scores
    split = dataset.test if scores.calibrated_on == "test" and dataset.test else dataset.validation
    row_of = {id: row for row, id in enumerate(split.ids)}
    return decoded_split(run.recipe, split.take([row_of[id] for id in scores.ids]), "calibration", reporter)


def _some(run: RunRecord, dataset: Dataset, reporter: Reporter) -> np.ndarray:
    """Training images spread evenly over the split, so that every class is included."""
    rows = np.linspace(0, len(dataset.train) - 1, min(len(dataset.train), _REPRESENTATIVE)).astype(int)
    return decoded_split(run.recipe, dataset.train.take(rows), "training", reporter).images
