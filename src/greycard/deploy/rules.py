"""What a prediction says beside the most likely class: that it is none of them, or which ones it may be."""

from __future__ import annotations

from dataclasses import dataclass

from greycard.core.errors import GreycardError
from greycard.evaluation.calibration import at_temperature
from greycard.evaluation.conformal import least_probability
from greycard.evaluation.rejection.bank import is_one_class
from greycard.evaluation.rejection.record import expect_refusal
from greycard.runs.record import RunRecord

DEFAULT = "default"
"""Refuse as the run promises."""


@dataclass(frozen=True)
class Rules:
    """The limits that a prediction is compared with.

    Attributes:
        limit: an image of larger strangeness is refused; None to refuse no image.
        least: a class of at least this probability belongs to the prediction set; None for no sets.
    """

    limit: float | None = None
    least: float | None = None


def rules_of(run: RunRecord, refuse: float | str | None = DEFAULT, sets: float | None = None) -> Rules:
    """The rules for a run's predictions.

    Args:
        run: the run.
        refuse: at most this share of own images is refused, above 0 and below 1; `default` for the smallest of 5, 10
            and 20 % that the run can promise, if any; None or `none` to refuse no image.
        sets: the share of prediction sets that have the right class; None for no sets.

    Raises:
        GreycardError: not such a share, or the run has too few images to promise it.
    """
    return Rules(_limit(run, refuse), None if sets is None else _least(run, sets))


def _limit(run: RunRecord, refuse: float | str | None) -> float | None:
    stored = run.rejection
    if refuse == DEFAULT:
        return None if stored is None else stored.scores.rejection().limit
    share = expect_refusal(refuse)
    if share is None:
        return None
    if stored is None:
        raise GreycardError(
            f"{run.name} cannot refuse images: to promise how many of its own classes' images it refuses, it needs at"
            " least 14 validation images",
            hint="train with more images, or refuse none",
        )
    return stored.scores.rejection(share).limit


def _least(run: RunRecord, sets: float) -> float:
    found = run.predictions
    if not is_one_class(found["labels"]):
        raise GreycardError(
            f"{run.name} does not predict one class for each image, so it has no sets of classes",
            hint="predict without sets",
        )
    return least_probability(found["labels"], at_temperature(found["probabilities"], run.temperature), sets)
