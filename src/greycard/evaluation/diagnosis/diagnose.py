"""All checks of a diagnosis, in the order of how much each finding matters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from greycard.evaluation.diagnosis import classes, curves, data, learning, probabilities
from greycard.evaluation.diagnosis.evidence import Evidence, Verdict, interval_text, percent

QUESTIONS: tuple[Callable[[Evidence], Verdict | None], ...] = (
    # a failed class that the accuracy hides
    classes.not_learned,
    # misleading figures
    data.leakage,
    data.validation_augmented,
    # nothing was learned
    learning.learned_nothing,
    # it learned, and could do better
    data.shifted,
    curves.still_improving,
    learning.overfit,
    learning.underfit,
    curves.unstable,
    data.imbalanced,
    # the results may be good, but are uncertain
    data.few_images,
    probabilities.miscalibrated,
)


def diagnose(evidence: Evidence) -> list[Verdict]:
    """The verdicts, the one that is expected to help most first; a single `healthy` if nothing is wrong.

    The list is empty for a regression, which has no accuracy, and for a run without a finished epoch.
    """
    if not evidence.history or not np.isfinite(evidence.val_accuracies[-1]):
        return []
    diverged = learning.not_a_number(evidence)
    if diverged:  # it causes all other findings
        return [diverged]
    found = [verdict for question in QUESTIONS if (verdict := question(evidence))]
    return found or [_healthy(evidence)]


def _healthy(evidence: Evidence) -> Verdict:
    return Verdict(
        "healthy",
        f"{percent(evidence.train)} right on training images and"
        f" {interval_text(evidence.validation, evidence.val_images)} on validation: nothing looks wrong",
        f"put it to use: `greycard predict {evidence.run} IMAGE`",
    )
