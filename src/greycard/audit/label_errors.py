"""Images whose label is probably wrong: their nearest neighbours in another fold agree on another class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from greycard.tasks.single_label import likeliest

_NEIGHBOURS, _FOLDS = 10, 5
_AGREE = 0.99
"""The share of the neighbours that must name the one other class: all of them."""

_GOOD_ENOUGH = 0.85
"""Below this accuracy, what images look like does not tell their classes, and says nothing about labels."""


@dataclass(frozen=True)
class LabelErrors:
    """Suspected labels.

    Attributes:
        accuracy: of the neighbours' vote on all images; below 85 % nothing is suspected.
        rows: the label_errors.
        instead: int (rows,), the class that their neighbours name.
    """

    accuracy: float
    rows: np.ndarray
    instead: np.ndarray

    @property
    def is_able(self) -> bool:
        """Whether the vote is right often enough to suspect anything by it."""
        return self.accuracy >= _GOOD_ENOUGH


def can_judge(labels: np.ndarray) -> bool:
    """Whether there are two classes or more, each with 5 images or more, and 50 images in all."""
    counts = np.unique(labels, return_counts=True)[1]
    return len(counts) > 1 and counts.min() >= _FOLDS and len(labels) >= _FOLDS * _NEIGHBOURS


def find_label_errors(features: np.ndarray, labels: np.ndarray, seed: int = 0) -> LabelErrors:
    """Suspected labels from how images look.

    Args:
        features: float (n, d): descriptors of the pixels, or a pretrained network's features.
        labels: int (n,), enough of them (`can_judge`).
        seed: of the folds.

    Source: the out-of-fold votes are those of Northcutt et al., "Confident learning" (2021), with nearest neighbours
    as the classifier.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    voters = KNeighborsClassifier(_NEIGHBOURS, algorithm="brute")
    votes = cross_val_predict(voters, features, labels, cv=folds, method="predict_proba")
    best = likeliest(votes)
    guesses = np.unique(labels)[best]
    accuracy = float(np.mean(guesses == labels))
    share = votes[np.arange(len(labels)), best]
    rows = np.flatnonzero((guesses != labels) & (share >= _AGREE) & (accuracy >= _GOOD_ENOUGH))
    return LabelErrors(accuracy, rows, guesses[rows])
