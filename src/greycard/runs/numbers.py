"""The figures of a regression on images in a run: errors, prediction intervals, and the numbers that it learned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from greycard.evaluation.numbers import NumberScores, number_scores
from greycard.evaluation.reach import Reach, reach_of
from greycard.tasks.target import Target


@dataclass(frozen=True, kw_only=True)
class NumberFigures:
    """What a summary holds of a regression on images.

    Attributes:
        target: the training numbers.
        validation: of the saved model on the validation images.
        test: of the saved model on the test images; None if the data has no test split.
        reach: of the prediction intervals; None if there are too few images to promise one.
    """

    target: Target
    validation: NumberScores
    test: NumberScores | None = None
    reach: Reach | None = None


def number_figures(
    target: Target,
    labels: np.ndarray,
    predicted: np.ndarray,
    test: NumberScores | None = None,
    test_reach: Reach | None = None,
) -> NumberFigures | None:
    """The figures of predictions on validation images; None if one of them is not finite.

    Args:
        target: the training numbers.
        labels: the true numbers of the validation images, float (n,).
        predicted: float (n,).
        test: the figures on the test images.
        test_reach: calibrated on test images, which no choice has seen; else the validation images calibrate.
    """
    if not np.isfinite(predicted).all():
        return None
    scores = number_scores(labels, predicted, target)
    return NumberFigures(target=target, validation=scores, test=test, reach=test_reach or reach_of(labels, predicted))
