"""Findings about how well a run learned its images: diverged, learned nothing, overfit, underfit."""

from __future__ import annotations

import numpy as np

from greycard.evaluation.diagnosis.advice import (
    against_overfitting,
    against_underfitting,
    look_at_labels,
    lower_rate,
    train_longer,
)
from greycard.evaluation.diagnosis.classes import counts_text
from greycard.evaluation.diagnosis.curves import RISING, may_improve, rise, still_improving
from greycard.evaluation.diagnosis.evidence import Evidence, Verdict, interval_text, percent

_GAP, _CERTAIN_GAP = 0.04, 0.02
"""A run overfits if training accuracy is this far above validation accuracy and above the interval's upper end."""

_LEARNED = 0.9
"""A run with a lower accuracy on its own training images underfits."""


def not_a_number(evidence: Evidence) -> Verdict | None:
    for epoch in evidence.history:
        if epoch.train_loss is None:
            return Verdict(
                "diverged",
                f"the training loss is NaN or infinite from epoch {epoch.epoch} on: the learning rate is too high",
                lower_rate(evidence),
            )
    return None


def learned_nothing(evidence: Evidence) -> Verdict | None:
    if not evidence.val_counts or evidence.interval[0] > evidence.majority:
        return None
    accuracy = interval_text(evidence.validation, evidence.val_images)
    return Verdict(
        "learned nothing",
        f"validation accuracy {accuracy} is no better than always predicting the largest class"
        f" ({percent(evidence.majority)}){_never_right(evidence)}",
        train_longer(evidence) if still_improving(evidence) else _training_and_labels(evidence),
    )


def _training_and_labels(evidence: Evidence) -> str:
    step = against_underfitting(evidence) if evidence.fitted_at_once else lower_rate(evidence)
    return f"{step}, and {look_at_labels(evidence)}"


def _never_right(evidence: Evidence) -> str:
    labels = [label for label, right in enumerate(evidence.right_counts) if not right and evidence.val_counts[label]]
    return f"; never right: {counts_text(evidence, labels)}" if labels else ""


def overfit(evidence: Evidence) -> Verdict | None:
    gap, certain = evidence.gap
    if gap < _GAP or certain < _CERTAIN_GAP:
        return None
    return Verdict(
        "overfit",
        f"{percent(evidence.train)} right on training images and"
        f" {interval_text(evidence.validation, evidence.val_images)} on validation{_best(evidence)}",
        against_overfitting(evidence),
    )


def _best(evidence: Evidence) -> str:
    """The best epoch, if validation got worse after it."""
    epoch, accuracy = evidence.best
    if not evidence.past_best and not _loss_rose(evidence):
        return ""
    kept = ", whose weights are kept" if evidence.kept_epoch == epoch else ""
    said = f"; validation accuracy is highest in epoch {epoch} ({percent(accuracy)}){kept}"
    losses = evidence.val_losses
    if not _loss_rose(evidence):
        return said
    lowest = int(losses.argmin())
    return (
        f"{said}; validation loss is lowest in epoch {lowest + 1} ({losses[lowest]:.2f}) and ends at {losses[-1]:.2f}"
    )


def _loss_rose(evidence: Evidence) -> bool:
    """True if the validation loss has risen by at least a quarter since its minimum."""
    losses = evidence.val_losses
    return not np.isnan(losses).any() and bool(losses[-1] >= 1.25 * losses.min())


def underfit(evidence: Evidence) -> Verdict | None:
    if evidence.train >= _LEARNED or overfit(evidence):
        return None
    count = len(evidence.history)
    may_rise = may_improve(evidence) and not evidence.fitted_at_once
    rising = may_rise and (count == 1 or rise(evidence.train_accuracies) >= RISING)
    still = " and still rising" if rising and count > 1 else ""
    length = "its fit" if evidence.fitted_at_once else f"{count} epoch{'s' if count > 1 else ''}"
    return Verdict(
        "underfit",
        f"only {percent(evidence.train)} of its own training images are right after {length}{still}",
        train_longer(evidence) if rising else against_underfitting(evidence),
    )
