"""The result of a run, from its files alone: figures, diagnosis, calibration, and the answer for each image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from greycard.deploy.export.format import Format, about
from greycard.deploy.export.formats import FORMATS
from greycard.evaluation.calibration import Bin, reliability
from greycard.evaluation.diagnosis.evidence import Verdict
from greycard.evaluation.label_scores import Figure
from greycard.runs.evidence import verdicts
from greycard.runs.record import RunRecord
from greycard.studio.json_files import read_object
from greycard.studio.measured import Measured, on_test, on_validation
from greycard.studio.results.answers import Answer, answers_of
from greycard.studio.results.number_result import NumberResult, number_result
from greycard.tasks.multilabel import MultiLabel


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
    """An export of the run: its format, the figures of its parity check, and what that did not run.

    Figures of classes are None if the run predicts a number, and the other way round.
    """

    format: str
    images: int
    largest_difference: float
    same_answers: int | None
    accuracy: float | None
    original_accuracy: float | None
    mae: float | None
    original_mae: float | None
    not_checked: str | None


@dataclass(frozen=True)
class Result:
    """A run as the page shows it.

    Attributes:
        name: of the run.
        architecture: the model in a few words.
        seconds: that it took.
        train_images: number of training images.
        validation: the main figure on the validation images; None if the training failed.
        test: the same on images that no choice has seen; None if there were none.
        kept: how the weights were chosen on validation; None if they were not.
        augmented: whether the training images were augmented.
        classes: in label order; empty if it predicts a number.
        findings: what is wrong, the most important first.
        trust: None if a probability is NaN, and for numbers.
        answers: of all validation images, as `answers_of` sorts them.
        formats: of exports.
        exports: that the run has.
        labels: each label's figures if an image can have several; empty otherwise.
        number: figures of a run that predicts a number; None for classes, and if the training failed.
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
    number: NumberResult | None = None


def result_of(run: RunRecord, places: Mapping[str, str]) -> Result:
    """The result of a finished run on images.

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
        validation=on_validation(summary),
        test=on_test(summary),
        kept=summary.kept,
        augmented=run.recipe.augmentation is not None,
        classes=run.classes,
        findings=tuple(verdicts(run)),
        trust=_trust(run),
        answers=answers_of(run, places),
        formats=tuple(form.name for form in FORMATS),
        exports=tuple(export for form in FORMATS if (export := export_of(run, form))),
        labels=_labels(run),
        number=number_result(summary.numbers) if summary.numbers else None,
    )


def export_of(run: RunRecord, form: Format) -> Export | None:
    """The run's export in this format; None if there is none."""
    place = form.place_in(run.path)
    record = read_object(about(place)) if place.exists() else {}
    parity = record.get("parity")
    if not isinstance(parity, dict) or not {"images", "largest_difference"} <= parity.keys():  # another program's file
        return None
    figures: dict[str, Any] = {name: parity.get(name) for name in Export.__match_args__[1:-1]}
    return Export(form.name, **figures, not_checked=record.get("not_checked"))


def _labels(run: RunRecord) -> tuple[LabelResult, ...]:
    scores, task = run.summary.labels, run.task
    if scores is None or not isinstance(task, MultiLabel):
        return ()
    limits = task.scaled(run.temperature).limits.tolist()
    return tuple(
        LabelResult(each.name, _value(each.average_precision), _value(each.f1), limit, each.support)
        for each, limit in zip(scores.labels, limits, strict=True)
    )


def _value(figure: Figure | None) -> float | None:
    return None if figure is None else figure.value


def _trust(run: RunRecord) -> Trust | None:
    """Of calibrated probabilities; the error is from images that the temperature was not fitted to."""
    calibration, found = run.summary.calibration, run.predictions
    if calibration is None:
        return None
    curve = reliability(found["labels"], run.task.at_temperature(found["probabilities"], run.temperature))
    error = calibration.error_after_scaling if calibration.scaling_helps else calibration.error
    return Trust(error, tuple(curve))
