"""Pictures whose label is probably wrong: their nearest neighbours in another fold agree on another class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_NEIGHBOURS, _FOLDS = 10, 5
_AGREE = 0.99
"""The share of the neighbours that must name the one other class: all of them."""

_GOOD_ENOUGH = 0.85
"""Below this accuracy, what pictures look like does not tell their classes, and says nothing about labels."""


@dataclass(frozen=True)
class Suspects:
    """Suspected labels.

    Attributes:
        accuracy: of the neighbours' vote on all pictures; below 85 % nothing is suspected.
        rows: the suspects.
        instead: int (rows,), the class that their neighbours name.
    """

    accuracy: float
    rows: np.ndarray
    instead: np.ndarray

    @property
    def is_able(self) -> bool:
        """Whether the vote is right often enough to suspect anything by it."""
        return self.accuracy >= _GOOD_ENOUGH


def find_suspects(features: np.ndarray, labels: np.ndarray, seed: int = 0) -> Suspects | None:
    """Suspected labels from how pictures look.

    Args:
        features: float (n, d): descriptors of the pixels, or a pretrained network's features.
        labels: int (n,).
        seed: of the folds.

    Returns:
        None where a class has fewer than 5 pictures, or all have fewer than 50.

    Source: the out-of-fold votes are those of Northcutt et al., "Confident learning" (2021), with nearest neighbours
    as the classifier.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    if np.unique(labels, return_counts=True)[1].min() < _FOLDS or len(labels) < _FOLDS * _NEIGHBOURS:
        return None
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    voters = KNeighborsClassifier(_NEIGHBOURS, algorithm="brute")
    votes = cross_val_predict(voters, features, labels, cv=folds, method="predict_proba")
    best = votes.argmax(axis=1)
    guesses = np.unique(labels)[best]
    accuracy = float(np.mean(guesses == labels))
    share = votes[np.arange(len(labels)), best]
    rows = np.flatnonzero((guesses != labels) & (share >= _AGREE) & (accuracy >= _GOOD_ENOUGH))
    return Suspects(accuracy, rows, guesses[rows])
