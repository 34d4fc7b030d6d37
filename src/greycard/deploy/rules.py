"""What a prediction says beside the most likely class: that it is none of them, or which ones it may be."""

from __future__ import annotations

from dataclasses import dataclass

from greycard.core.errors import GreycardError
from greycard.evaluation.calibration import at_temperature
from greycard.evaluation.conformal import least_probability
from greycard.evaluation.rejection.bank import is_one_class
from greycard.evaluation.rejection.record import Rejection, expect_refusal
from greycard.evaluation.rejection.stored import Stored
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


NO_RULES = Rules()
"""No image is refused, and there are no prediction sets."""


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
    promised = promise_of(run.name, run.rejection, refuse)
    return Rules(promised.limit if promised else None, None if sets is None else _least(run, sets))


def promise_of(name: str, stored: Stored | None, refuse: float | str | None = DEFAULT) -> Rejection | None:
    """The promise for the share that the user asks for; None if no image is refused.

    Args:
        name: of the run.
        stored: what the run stores about rejection.
        refuse: as for `rules_of`.

    Raises:
        GreycardError: not such a share, or the run has too few images to promise it.
    """
    if refuse == DEFAULT:
        return stored.scores.rejection() if stored else None
    share = expect_refusal(refuse)
    if share is None:
        return None
    if stored is None:
        raise GreycardError(f"{name} has not learned what to refuse", hint="use --refuse none, or train it again")
    return stored.scores.rejection_at(share)


def _least(run: RunRecord, sets: float) -> float:
    found = run.predictions
    if not is_one_class(found["labels"]):
        raise GreycardError(
            f"{run.name} does not predict one class per image, and a prediction set has the one right class",
            hint="use --unsure 0.9, which marks images with a label that is less sure"
            if run.task.has_several
            else "leave --sets out",
        )
    return least_probability(found["labels"], at_temperature(found["probabilities"], run.temperature), sets)
