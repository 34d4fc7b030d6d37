"""A logistic regression on the features of labelled images, and its answers for images that it did not learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from greycard.core.randomness import FOLDS, generator
from greycard.tasks.tasks import task_for
from greycard.training.logistic import Linear, Standard, fit_logistic, probabilities
from greycard.training.regularisation import deal_folds

_FOLDS = 5

_STRENGTHS = ((100, 1.0), (500, 0.1))
"""scikit-learn's C with fewer labels than this, and `_STRENGTH` with more: the best of four values on Fashion-MNIST
with 8 to 2,000 labels; for cats and dogs all are as good. `greycard train` compares values. Here that would take too
long, and the same labels would get other answers after another history."""

_STRENGTH = 0.01

_GRADIENT, _QUICK_GRADIENT = 1e-3, 1e-2
"""Where fits stop: the one for proposals, and those for images left out, whose accuracy stays the same."""


@dataclass
class Probe:
    """Fits on a growing number of labels.

    Args:
        classes: number of classes, at least 2.
        standard: the mean and the deviation of the features of all images; those of a few labelled ones say less.
    """

    classes: int
    standard: Standard
    _start: np.ndarray | None = None

    def probabilities(self, features: np.ndarray, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Fit on labelled images and predict others; the fit begins at the solution of the one before.

        Args:
            features: of the labelled images, float32 (n, features).
            labels: int (n,), of at least two classes.
            others: float32 (m, features).

        Returns:
            float64 (m, classes).
        """
        linear, self._start = self._fit(features, labels, np.ones(len(labels), bool), self._start, _GRADIENT)
        return probabilities(linear.logits([others]))

    def out_of_fold(
        self, features: np.ndarray, labels: np.ndarray, groups: np.ndarray, half: bool = False
    ) -> np.ndarray:
        """Predict every labelled image by a fit that has seen neither it nor an image of its group.

        No fit begins at an earlier solution: after each label the folds are others, so that solution would have seen
        the images that are left out now.

        Args:
            features: float32 (n, features).
            labels: int (n,), of at least two classes.
            groups: int (n,), equal for images that are nearly the same.
            half: fit on a random half of the other groups.

        Returns:
            float64 (n, classes); NaN for the images of a class that has only one group.
        """
        folds = deal_folds(labels, groups, _FOLDS, seed=0)
        kept = generator(FOLDS, 1).random(groups.max() + 1)[groups] < (0.5 if half else 1.0)
        found = np.full((len(labels), self.classes), np.nan)
        for fold in np.unique(folds[folds >= 0]):
            out, rows = folds == fold, (folds != fold) & kept
            if len(np.unique(labels[rows])) > 1:
                linear, _ = self._fit(features, labels, rows, None, _QUICK_GRADIENT)
                found[out] = probabilities(linear.logits([features[out]]))
        return found

    def _fit(
        self, features: np.ndarray, labels: np.ndarray, rows: np.ndarray, start: np.ndarray | None, gradient: float
    ) -> tuple[Linear, np.ndarray]:
        strength = next((value for below, value in _STRENGTHS if len(labels) < below), _STRENGTH)
        return fit_logistic(
            [features], labels, task_for(self.classes).units, strength,
            rows=rows, standard=self.standard, start=start, gradient=gradient,
        )  # fmt: skip
