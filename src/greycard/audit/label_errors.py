"""Find likely label errors: by the nearest neighbours of an image, or by a model that was not trained on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from greycard.tasks.single_label import likeliest

_NEIGHBOURS, _FOLDS = 10, 5
_AGREE = 0.99
"""The fraction of the neighbours that must agree on another class; this means all of them."""

_GOOD_ENOUGH = 0.85
"""Below this accuracy of the vote, the images' appearance does not predict their classes, so it cannot test labels."""


@dataclass(frozen=True)
class LabelErrors:
    """Likely label errors.

    Attributes:
        accuracy: accuracy of the neighbours' vote on all images; below 85 % no label is reported.
        rows: int (m,), the rows of images with likely label errors.
        instead: int (m,), the class of their neighbours.
    """

    accuracy: float
    rows: np.ndarray
    instead: np.ndarray

    @property
    def is_able(self) -> bool:
        """True if the vote is accurate enough to find label errors."""
        return self.accuracy >= _GOOD_ENOUGH


def can_judge(labels: np.ndarray) -> bool:
    """True if there are at least two classes, each with at least 5 images, and at least 50 images in total."""
    counts = np.unique(labels, return_counts=True)[1]
    return len(counts) > 1 and counts.min() >= _FOLDS and len(labels) >= _FOLDS * _NEIGHBOURS


def find_label_errors(features: np.ndarray, labels: np.ndarray, seed: int = 0) -> LabelErrors:
    """Find likely label errors from the appearance of images.

    Args:
        features: float (n, d): descriptors of the pixels, or a pretrained network's features.
        labels: int (n,); they must pass `can_judge`.
        seed: seed of the folds.

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


def confident_label_errors(probabilities: np.ndarray, labels: np.ndarray, sure: float = 1.0) -> LabelErrors:
    """Find likely label errors from out-of-fold probabilities, the most certain first.

    An image is reported if the most likely class is another one, and its probability is at least as high as that of an
    average image with that label, or at least `sure`.

    Args:
        probabilities: float (n, classes), each row from a model that was not trained on the image.
        labels: int (n,).
        sure: a probability that is enough; with few images an average one is often nearly 1.

    Source: Northcutt et al., "Confident learning" (2021): the off-diagonal of the confident joint.
    """
    best, every = likeliest(probabilities), np.arange(len(labels))
    accuracy = float(np.mean(best == labels))
    usual = np.array([_mean(probabilities[labels == label, label]) for label in range(probabilities.shape[1])])
    certain = probabilities[every, best] >= np.minimum(usual[best], sure)
    rows = np.flatnonzero((best != labels) & certain & (accuracy >= _GOOD_ENOUGH))
    margin = probabilities[rows, best[rows]] - probabilities[rows, labels[rows]]
    ranked = rows[np.argsort(-margin, kind="stable")]
    return LabelErrors(accuracy, ranked, best[ranked])


def _mean(values: np.ndarray) -> float:
    """The mean; above every probability if there are no values."""
    return float(values.mean()) if len(values) else 2.0
