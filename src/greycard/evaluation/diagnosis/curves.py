"""Findings from a run's validation curve: still rising, unstable, or worse than its best."""

from __future__ import annotations

import math

import numpy as np

from greycard.evaluation.diagnosis.advice import lower_rate, train_longer
from greycard.evaluation.diagnosis.evidence import Evidence, Verdict, interval_text, percent
from greycard.evaluation.intervals import accuracy_interval

RISING = 0.01
"""Validation is still rising if the last third of the epochs is better than the third before by this much."""

_GOOD = 0.98
"""With at least this validation accuracy, more training can improve little."""

_DROP = 0.03
"""A last epoch this far below the best one, and outside both intervals, is a real loss."""

_JUMPS = 2.0
"""Validation is unstable if it jumps between epochs by more than this many standard errors."""


def may_improve(evidence: Evidence) -> bool:
    """True if more epochs may help: not past its best, not already good, and not ended at its target."""
    return not evidence.past_best and evidence.validation < _GOOD and not evidence.target_reached


def still_improving(evidence: Evidence) -> Verdict | None:
    """Validation was still improving when training ended."""
    if not may_improve(evidence):
        return None
    risen, losses = rise(evidence.val_accuracies), evidence.val_losses
    rises = rise(losses) > 0 and not np.isnan(losses).any()
    if risen < max(RISING, _noise(evidence)) or rises:
        return None
    ended = "the time was over" if evidence.time_ended_it else "it ended"
    return Verdict(
        "still improving",
        f"validation accuracy was still rising when {ended}, by {percent(risen)} over the last"
        f" {_last(len(evidence.history))} of {len(evidence.history)} epochs",
        train_longer(evidence),
    )


def unstable(evidence: Evidence) -> Verdict | None:
    found = _dropped(evidence) or _jumping(evidence)
    return Verdict("unstable", found, lower_rate(evidence)) if found else None


def _dropped(evidence: Evidence) -> str | None:
    epoch, best = evidence.best
    low = accuracy_interval(best, evidence.val_images)[0]
    if best - evidence.validation < _DROP or low <= evidence.interval[1]:
        return None
    return (
        f"validation accuracy was {percent(best)} in epoch {epoch} and ended at"
        f" {interval_text(evidence.validation, evidence.val_images)}"
    )


def _jumping(evidence: Evidence) -> str | None:
    """How far each epoch of the second half is from the mean of its neighbours; zero for a steady rise.

    All epochs are measured on the same images, so the jumps come mostly from the model.
    """
    accuracies = evidence.val_accuracies
    late = accuracies[len(accuracies) // 2 :]
    if len(late) < 4:
        return None
    jump = float(np.median(np.abs(late[1:-1] - (late[:-2] + late[2:]) / 2)))
    if jump < max(_DROP, _JUMPS * _noise(evidence)):
        return None
    return f"validation accuracy jumps by {percent(jump)} from epoch to epoch in the second half of the training"


def _noise(evidence: Evidence) -> float:
    """The standard error of the validation accuracy."""
    share = evidence.validation
    return math.sqrt(share * (1 - share) / evidence.val_images)


def rise(values: np.ndarray) -> float:
    """The mean of the last third of the epochs minus the mean of the third before; 0 for a single epoch."""
    last = _last(len(values))
    if len(values) < 2:
        return 0.0
    return float(values[-last:].mean() - values[-2 * last : -last].mean())


def _last(epochs: int) -> int:
    """How many epochs the last third is."""
    return max(epochs // 3, 1)
