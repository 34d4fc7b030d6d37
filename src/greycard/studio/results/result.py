"""The result of a run, from its files alone: figures, diagnosis, calibration, and the answer for each image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from greycard.deploy.export.format import Format, about
from greycard.deploy.export.formats import FORMATS
from greycard.evaluation.calibration import Bin, reliability
from greycard.evaluation.diagnosis.evidence import Verdict
from greycard.evaluation.intervals import accuracy_interval
from greycard.evaluation.label_scores import Figure, LabelScores
from greycard.runs.evidence import verdicts
from greycard.runs.record import RunRecord
from greycard.studio.json_files import read_object
from greycard.tasks.multilabel import MultiLabel


@dataclass(frozen=True)
class Measured:
    """An accuracy, its 95 % interval, and the number of images."""

    accuracy: float
    low: float
    high: float
    images: int


@dataclass(frozen=True)
class Answer:
    """What the run's model says about a validation image.

    Attributes:
        place: the image's id now; None if it is no longer in the folder.
        recorded: its id when the run was trained.
        label: the number of its class then.
        answer: the number of the predicted class.
        probability: of the predicted class, calibrated; None if it is NaN.
    """

    place: str | None
    recorded: str
    label: int
    answer: int
    probability: float | None


@dataclass(frozen=True)
class LabelResult:
    """One label of a run whose images can have several; fractions, None if undefined.

    Attributes:
        name: of the label.
        average_precision: with all thresholds.
        f1: by thresholds that were chosen on other images.
        threshold: on the probabilities that predictions have.
        images: number of validation images with the label.
    """

    name: str
    average_precision: float | None
    f1: float | None
    threshold: float
    images: int


@dataclass(frozen=True)
class Trust:
    """The calibration of the probabilities that predictions have.

    Attributes:
        error: the expected calibration error, a fraction.
        bins: the reliability curve.
    """

    error: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Export:
    """An export of the run: its format, the figures of its parity check, and what that did not run."""

    format: str
    images: int
    same_answers: int
    largest_difference: float
    accuracy: float
    original_accuracy: float
    not_checked: str | None


@dataclass(frozen=True)
class Result:
    """A run as the page shows it.

    Attributes:
        name: of the run.
        architecture: the model in a few words.
        seconds: that it took.
        train_images: number of training images.
        validation: on the validation images; None if an image can have several labels.
        test: on images that no choice has seen; None if there were none.
        kept: how the weights were chosen on validation; None if they were not.
        augmented: whether the training images were augmented.
        classes: in label order.
        findings: what is wrong, the most important first.
        trust: None if a probability is NaN.
        answers: of all validation images, the surest first.
        formats: of exports.
        exports: that the run has.
        labels: each label's figures if an image can have several; empty otherwise, and then `answers` is empty.
        average_precision: the mean over the labels with its interval; None with one class per image.
    """

    name: str
    architecture: str
    seconds: float
    train_images: int
    validation: Measured | None
    test: Measured | None
    kept: str | None
    augmented: bool
    classes: tuple[str, ...]
    findings: tuple[Verdict, ...]
    trust: Trust | None
    answers: tuple[Answer, ...]
    formats: tuple[str, ...]
    exports: tuple[Export, ...]
    labels: tuple[LabelResult, ...] = ()
    average_precision: Measured | None = None


def result_of(run: RunRecord, places: Mapping[str, str]) -> Result:
    """The result of a finished run with classes.

    Args:
        run: the run.
        places: the present ids of its validation images, by their ids in the run.

    Raises:
        GreycardError: one of its files is damaged.
    """
    summary = run.summary
    return Result(
        name=run.name,
        architecture=summary.architecture,
        seconds=summary.time.total_seconds,
        train_images=summary.train_images,
        validation=None if summary.labels else _measured(summary.val_accuracy or 0.0, summary.val_images),
        test=_measured(summary.test_accuracy, summary.test_images or 0) if summary.test_accuracy is not None else None,
        kept=summary.kept,
        augmented=run.recipe.augmentation is not None,
        classes=run.classes,
        findings=tuple(verdicts(run)),
        trust=_trust(run),
        answers=() if summary.labels else _answers(run, places),
        formats=tuple(form.name for form in FORMATS),
        exports=tuple(export for form in FORMATS if (export := export_of(run, form))),
        labels=_labels(run),
        average_precision=_average_precision(summary.labels) if summary.labels else None,
    )


def export_of(run: RunRecord, form: Format) -> Export | None:
    """The run's export in this format; None if there is none."""
    place = form.place_in(run.path)
    record = read_object(about(place)) if place.exists() else {}
    parity = record.get("parity")
    try:
        figures = {name: parity[name] for name in Export.__match_args__[1:-1]} if parity else {}
        return Export(form.name, **figures, not_checked=record.get("not_checked")) if figures else None
    except (KeyError, TypeError):  # another program's file
        return None


def _measured(accuracy: float, images: int) -> Measured:
    return Measured(accuracy, *accuracy_interval(accuracy, images), images)


def _labels(run: RunRecord) -> tuple[LabelResult, ...]:
    scores, task = run.summary.labels, run.task
    if scores is None or not isinstance(task, MultiLabel):
        return ()
    limits = task.scaled(run.temperature).limits.tolist()
    return tuple(
        LabelResult(each.name, _value(each.average_precision), _value(each.f1), limit, each.support)
        for each, limit in zip(scores.labels, limits, strict=True)
    )


def _average_precision(scores: LabelScores) -> Measured | None:
    figure = scores.mean_average_precision
    return None if figure is None else Measured(figure.value, figure.low, figure.high, scores.images)


def _value(figure: Figure | None) -> float | None:
    return None if figure is None else figure.value


def _answers(run: RunRecord, places: Mapping[str, str]) -> tuple[Answer, ...]:
    found = run.predictions
    rows = run.task.at_temperature(found["probabilities"], run.temperature)
    answers = run.task.decide(found["probabilities"])
    sureness = np.nan_to_num(rows[np.arange(len(rows)), answers])
    every = zip(found["ids"].tolist(), found["labels"].tolist(), answers.tolist(), sureness.tolist(), strict=True)
    listed = [Answer(places.get(id), id, label, answer, share or None) for id, label, answer, share in every]
    return tuple(listed[row] for row in np.argsort(-sureness, kind="stable"))


def _trust(run: RunRecord) -> Trust | None:
    """Of calibrated probabilities; the error is from images that the temperature was not fitted to."""
    calibration, found = run.summary.calibration, run.predictions
    if calibration is None:
        return None
    curve = reliability(found["labels"], run.task.at_temperature(found["probabilities"], run.temperature))
    error = calibration.error_after_scaling if calibration.scaling_helps else calibration.error
    return Trust(error, tuple(curve))
