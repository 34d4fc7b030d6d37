"""Fit the strangeness score: the distance to the k-th nearest training image, in few principal components.

The features outside the components count, too: the squared distance is that of the components plus the squared
length of what is outside of them, of the image and of the training image. So an image in a direction that no training
image has is far from all of them, as with all components.

Source: Sun et al., "Out-of-distribution detection with deep nearest neighbors" (2022).
"""

from __future__ import annotations

import numpy as np

from greycard.core.randomness import BANK, generator
from greycard.models.strangeness import Strangeness, unit_length

MOST_IMAGES = 1_000
"""Training images that are kept; more take time and room, and change little."""

COMPONENTS = 64
"""The most principal components."""

NEIGHBOURS = 5
"""The distance is that to this neighbour: one odd training image must not make its surroundings familiar."""

_SMALLEST = 1e-12


def bank_rows(labels: np.ndarray, seed: int, most: int = MOST_IMAGES) -> np.ndarray:
    """The training images to keep: rows in order, at most `most`, the same share of every class.

    Args:
        labels: int (n,), or anything else with images on its first axis, which is not stratified.
        seed: of the choice.
        most: number of rows.
    """
    order = generator(BANK, seed).permutation(len(labels))
    if len(labels) <= most:
        return np.arange(len(labels))
    if not is_one_class(labels):
        return np.sort(order[:most])
    rank = np.empty(len(labels))
    for label in np.unique(labels):
        members = order[labels[order] == label]
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.sort(np.argsort(rank, kind="stable")[:most])


def is_one_class(labels: np.ndarray) -> bool:
    """Whether each image has one class: its number."""
    return labels.ndim == 1 and bool(np.issubdtype(labels.dtype, np.integer))


def fit_strangeness(
    features: np.ndarray, neighbours: int = NEIGHBOURS, components: int | None = COMPONENTS
) -> Strangeness:
    """The score of these training images.

    Args:
        features: float (n, features) of training images without augmentation, n at least 1.
        neighbours: k; at most the number of images.
        components: the most principal components; None for all.
    """
    bank = unit_length(features)
    mean = bank.mean(axis=0)
    centred = bank - mean
    axes = _principal_axes(centred, components)
    projection = np.concatenate([axes, mean[:, None]], axis=1)
    projection_bias = np.append(-mean @ axes, 0.0)
    distances = -2 * np.concatenate([(centred @ axes).T, np.ones((1, len(bank)))])
    distances_bias = 1 + mean @ mean + np.sum(centred**2, axis=1)
    return Strangeness(
        projection.astype(np.float32),
        projection_bias.astype(np.float32),
        distances.astype(np.float32),
        distances_bias.astype(np.float32),
        neighbours=min(neighbours, len(bank)),
    )


def _principal_axes(centred: np.ndarray, most: int | None) -> np.ndarray:
    """The directions of the largest variance, orthonormal, (features, m); m is at most the rank.

    The eigenvectors of the smaller of the two matrices of products: few images can have many features.
    """
    images, features = centred.shape
    by_images = images < features
    values, vectors = np.linalg.eigh(centred @ centred.T if by_images else centred.T @ centred)
    order = np.argsort(values)[::-1][:most]
    kept = order[values[order] > max(values.max(initial=0.0), _SMALLEST) * 1e-10]
    if not by_images:
        return vectors[:, kept]
    return centred.T @ vectors[:, kept] / np.sqrt(values[kept])
