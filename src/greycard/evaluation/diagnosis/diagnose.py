"""All the questions a diagnosis asks, in the order of what an answer is expected to bring."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from greycard.evaluation.diagnosis import classes, curves, data, learning, probabilities
from greycard.evaluation.diagnosis.evidence import Evidence, Verdict, interval_text, percent

QUESTIONS: tuple[Callable[[Evidence], Verdict | None], ...] = (
    # a class that nobody would notice by the accuracy
    classes.not_learned,
    # figures that mean something else than they seem to
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
    # it may be fine, and is not known well enough
    data.few_images,
    probabilities.miscalibrated,
)


def diagnose(evidence: Evidence) -> list[Verdict]:
    """The verdicts, what is expected to help most first; one that says `healthy` where nothing is wrong.

    A regression, which has no accuracy, and a run without a finished epoch get none.
    """
    if not evidence.history or not np.isfinite(evidence.val_accuracies[-1]):
        return []
    diverged = learning.not_a_number(evidence)
    if diverged:  # whatever else is seen comes of it
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
