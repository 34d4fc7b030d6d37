"""Other scores of strangeness, to compare with: larger for stranger images, each from published work."""

from __future__ import annotations

import numpy as np

from greycard.models.strangeness import kth_nearest, unit_length


def max_softmax(probabilities: np.ndarray) -> np.ndarray:
    """Minus the largest probability of each row, float (n,). Source: Hendrycks and Gimpel (2017)."""
    return -probabilities.max(axis=1)


def max_logit(logits: np.ndarray) -> np.ndarray:
    """Minus the largest logit of each row, float (n,). Source: Hendrycks et al. (2022)."""
    return -logits.max(axis=1)


def energy(logits: np.ndarray) -> np.ndarray:
    """Minus the logarithm of the sum of the logits' exponentials, float (n,). Source: Liu et al. (2020)."""
    largest = logits.max(axis=1)
    return -(largest + np.log(np.sum(np.exp(logits - largest[:, None]), axis=1)))


def nearest(training: np.ndarray, features: np.ndarray, neighbours: int) -> np.ndarray:
    """The distance to the k-th nearest training image with all components, float (n,). Source: Sun et al. (2022).

    Args:
        training: features of training images, float (m, features).
        features: float (n, features).
        neighbours: k.
    """
    squared = 2 - 2 * unit_length(features) @ unit_length(training).T
    return kth_nearest(squared, neighbours)


def mahalanobis(training: np.ndarray, labels: np.ndarray, features: np.ndarray) -> np.ndarray:
    """The squared Mahalanobis distance to the nearest class mean, with one covariance for all classes, float (n,).

    The covariance is shrunk towards a multiple of the identity (Ledoit and Wolf, 2004), because few images can have
    many features.

    Args:
        training: features of training images, float (m, features).
        labels: their classes, int (m,).
        features: float (n, features).

    Source: Lee et al., "A simple unified framework for detecting out-of-distribution samples" (2018).
    """
    from sklearn.covariance import LedoitWolf

    classes, number = np.unique(labels, return_inverse=True)
    means = np.stack([training[labels == label].mean(axis=0) for label in classes])
    precision = LedoitWolf(assume_centered=True).fit(training - means[number]).precision_
    found = []
    for mean in means:
        centred = features - mean
        found.append(np.sum((centred @ precision) * centred, axis=1))
    return np.min(found, axis=0)
