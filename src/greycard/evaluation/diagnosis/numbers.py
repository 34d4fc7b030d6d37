"""The diagnosis of a regression on images: how its errors compare with a guess, its training images, its intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from greycard.evaluation.diagnosis.advice import against_overfitting, against_underfitting, look_at_labels, train_longer
from greycard.evaluation.diagnosis.curves import rise
from greycard.evaluation.diagnosis.data import leakage, shifted
from greycard.evaluation.diagnosis.evidence import Evidence, Verdict
from greycard.evaluation.diagnosis.learning import not_a_number
from greycard.evaluation.numbers import NumberScores
from greycard.evaluation.reach import SHARE, Reach, least_images
from greycard.tasks.target import Target

_OVERFIT = 2.0
"""A run overfits if its squared error on validation is this many times that on its own training images."""

_UNEXPLAINED = 0.1
"""And if it leaves more than this share of the variance unexplained; below, both are good."""

_UNDERFIT = 0.5
"""A run that leaves this share of its own training variance unexplained underfits."""

_RISING = 0.05
"""Validation still improves if the loss fell by this part of itself over the last third of the epochs."""

_WIDE = 0.25
"""Half the width of the interval of the error, relative to the error, from which there are too few images."""

_BEYOND = 0.05
"""A true number outside the training range by more than this part of the range asks for extrapolation."""


@dataclass(frozen=True)
class NumberEvidence:
    """The figures of one training that predicts numbers.

    Attributes:
        base: what any training has; its accuracies are not used.
        target: the training numbers.
        scores: on validation.
        reach: of the prediction intervals.
        train_loss: the loss of the saved model on its training images: the share of variance it leaves unexplained.
        val_loss: the same on validation, in the same unit.
        outside: number of validation images whose true number is clearly outside the training range.
    """

    base: Evidence
    target: Target
    scores: NumberScores
    reach: Reach | None
    train_loss: float | None
    val_loss: float | None
    outside: int


def beyond(labels: np.ndarray, target: Target) -> int:
    """How many true numbers are clearly outside the training range."""
    margin = _BEYOND * (target.highest - target.lowest)
    return int(np.sum((labels < target.lowest - margin) | (labels > target.highest + margin)))


def diagnose_numbers(evidence: NumberEvidence) -> list[Verdict]:
    """The verdicts, the most important first; a single `healthy` if nothing is wrong."""
    diverged = not_a_number(evidence.base)
    if diverged:
        return [diverged]
    found = [verdict for question in _QUESTIONS if (verdict := question(evidence))]
    return found or [_healthy(evidence)]


def _error(evidence: NumberEvidence) -> str:
    scores = evidence.scores
    low, high = (evidence.target.text(value) for value in scores.mae_interval)
    return f"a mean absolute error of {evidence.target.text(scores.mae)} ({low} to {high})"


def _leakage(evidence: NumberEvidence) -> Verdict | None:
    return leakage(evidence.base)


def _shifted(evidence: NumberEvidence) -> Verdict | None:
    return shifted(evidence.base)


def _learned_nothing(evidence: NumberEvidence) -> Verdict | None:
    if evidence.scores.learned:
        return None
    guess = evidence.target.text(evidence.scores.guess_mae)
    step = train_longer(evidence.base) if _improves(evidence) else against_underfitting(evidence.base)
    return Verdict(
        "learned nothing",
        f"{_error(evidence)} on validation is no better than always predicting the training median, whose error is"
        f" {guess}",
        f"{step}, and {look_at_labels(evidence.base)}",
    )


def _extrapolates(evidence: NumberEvidence) -> Verdict | None:
    if not evidence.outside:
        return None
    low, high = (evidence.target.text(value) for value in (evidence.target.lowest, evidence.target.highest))
    return Verdict(
        "extrapolates",
        f"{evidence.outside:,} of {evidence.scores.images:,} validation images have numbers outside the training range,"
        f" {low} to {high}: a network predicts them badly",
        "add training images with such numbers",
    )


def _improves(evidence: NumberEvidence) -> bool:
    """Whether the validation loss was still falling when training ended."""
    losses = evidence.base.val_losses
    if len(losses) < 3 or np.isnan(losses).any():
        return False
    return -rise(losses) > _RISING * losses[-1] and bool(losses[-1] == losses.min())


def _still_improving(evidence: NumberEvidence) -> Verdict | None:
    if not _improves(evidence) or not evidence.scores.learned:
        return None
    return Verdict(
        "still improving",
        f"the validation loss was still falling when training ended, to {evidence.base.val_losses[-1]:.3f} in the last"
        " epoch",
        train_longer(evidence.base),
    )


def _overfit(evidence: NumberEvidence) -> Verdict | None:
    train, val = evidence.train_loss, evidence.val_loss
    if train is None or val is None or val < _UNEXPLAINED or val < _OVERFIT * train:
        return None
    times = f"{(val / train) ** 0.5:.1f} times that" if train else "above that"
    return Verdict(
        "overfit",
        f"{_error(evidence)} on validation; the root of the squared error is {times} on the training images",
        against_overfitting(evidence.base),
    )


def _underfit(evidence: NumberEvidence) -> Verdict | None:
    if evidence.train_loss is None or evidence.train_loss < _UNDERFIT:
        return None
    return Verdict(
        "underfit",
        f"it explains only {100 * max(0.0, 1 - evidence.train_loss):.0f} % of the variance of its own training numbers",
        train_longer(evidence.base) if _improves(evidence) else against_underfitting(evidence.base),
    )


def _few_images(evidence: NumberEvidence) -> Verdict | None:
    scores = evidence.scores
    low, high = scores.mae_interval
    if evidence.reach is None:
        sentence = (
            f"{scores.images:,} validation images are too few for prediction intervals: {100 * SHARE:.0f} % of true"
            f" numbers inside can be promised from {least_images()} on"
        )
    elif (high - low) / 2 >= _WIDE * scores.mae:
        sentence = f"{scores.images:,} validation images leave {_error(evidence)}: small differences mean nothing"
    else:
        return None
    return Verdict("few validation images", sentence, "measure on more images; four times as many halve the interval")


def _healthy(evidence: NumberEvidence) -> Verdict:
    guess = evidence.target.text(evidence.scores.guess_mae)
    return Verdict(
        "healthy",
        f"{_error(evidence)} on validation, and {guess} for always predicting the training median: nothing looks wrong",
        f"put it to use: `greycard predict {evidence.base.run} IMAGE`",
    )


_QUESTIONS: tuple[Callable[[NumberEvidence], Verdict | None], ...] = (
    _leakage,
    _learned_nothing,
    _shifted,
    _extrapolates,
    _still_improving,
    _overfit,
    _underfit,
    _few_images,
)
