"""A logistic regression on the features of labelled images, and its answers for images that it did not learn from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from greycard.core.randomness import FOLDS, SUBSET, generator
from greycard.tasks.tasks import task_for
from greycard.training.logistic import Standard, fit_logistic, probabilities
from greycard.training.regularisation import choose_strength, deal_folds

_FOLDS = 5

_FEW, _OF_FEW = 100, 1.0
"""With fewer labels than this, too few to compare values of scikit-learn's C, it is 1: the best one for 8 to 80 labels
of Fashion-MNIST, and as good as any for cats and dogs."""

_GROWTH, _COMPARED = 1.5, 500
"""It is chosen again when there are so many times as many labels, with at most so many of them."""

_GRADIENT = 1e-3
"""The probabilities hardly change after this point."""


@dataclass
class Probe:
    """Fits on a growing number of labels; each fit begins at the solution of the one before.

    Args:
        classes: number of classes, at least 2.
        standard: the mean and the deviation of the features of all images; those of a few labelled ones say less.
    """

    classes: int
    standard: Standard
    _starts: dict[str, np.ndarray] = field(default_factory=dict)
    _strength: float = _OF_FEW
    _chosen_with: int = 0

    def probabilities(self, features: np.ndarray, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Fit on labelled images and predict others.

        Args:
            features: of the labelled images, float32 (n, features).
            labels: int (n,), of at least two classes.
            others: float32 (m, features).

        Returns:
            float64 (m, classes).
        """
        self._choose_strength(features, labels)
        return self._predicted(features, labels, np.ones(len(labels), bool), others, "all")

    def out_of_fold(
        self, features: np.ndarray, labels: np.ndarray, groups: np.ndarray, half: bool = False
    ) -> np.ndarray:
        """Predict every labelled image by a fit that has seen neither it nor an image of its group.

        Args:
            features: float32 (n, features).
            labels: int (n,), of at least two classes.
            groups: int (n,), equal for images that are nearly the same.
            half: fit on a random half of the other images.

        Returns:
            float64 (n, classes); NaN for the images of a class that has only one group.
        """
        self._choose_strength(features, labels)
        folds = deal_folds(labels, groups, _FOLDS, seed=0)
        kept = generator(FOLDS, 1).random(len(labels)) < 0.5 if half else np.ones(len(labels), bool)
        found = np.full((len(labels), self.classes), np.nan)
        for fold in np.unique(folds[folds >= 0]):
            out, rows = folds == fold, (folds != fold) & kept
            if len(np.unique(labels[rows])) > 1:
                name = f"{'half' if half else 'fold'} {fold}"
                found[out] = self._predicted(features, labels, rows, features[out], name)
        return found

    def _choose_strength(self, features: np.ndarray, labels: np.ndarray) -> None:
        if len(labels) < _FEW:
            self._strength, self._chosen_with = _OF_FEW, 0
        elif not self._chosen_with <= len(labels) < _GROWTH * self._chosen_with:
            rows = generator(SUBSET, 0).permutation(len(labels))[:_COMPARED]
            self._strength = choose_strength([features[rows]], labels[rows], task_for(self.classes).units).strength
            self._chosen_with = len(labels)

    def _predicted(
        self, features: np.ndarray, labels: np.ndarray, rows: np.ndarray, others: np.ndarray, name: str
    ) -> np.ndarray:
        linear, self._starts[name] = fit_logistic(
            [features], labels, task_for(self.classes).units, self._strength,
            rows=rows, standard=self.standard, start=self._starts.get(name), gradient=_GRADIENT,
        )  # fmt: skip
        return probabilities(linear.logits([others]))
