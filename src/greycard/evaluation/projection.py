"""Feature vectors in two dimensions, for a map: principal components, or t-SNE."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from greycard.evaluation import projections

PCA, TSNE = "PCA", "t-SNE"
_PERPLEXITY = 30


@dataclass(frozen=True)
class Projection:
    """Positions on a map.

    Attributes:
        method: `PCA` or `t-SNE`.
        positions: float32 (n, 2).
        share: of the variance that two principal components keep, 0 to 1; also given for t-SNE, for comparison.
    """

    method: str
    positions: np.ndarray
    share: float


def principal_components(vectors: np.ndarray) -> Projection:
    """The two directions in which the vectors differ most; distances on the map are true as far as `share` says.

    Args:
        vectors: float (n, features), finite, n at least 1.
    """
    exact = vectors.astype(np.float64)
    centred = exact - exact.mean(axis=0)
    left, scales, _ = np.linalg.svd(centred, full_matrices=False)
    scales = np.append(scales, [0.0, 0.0])
    left = np.pad(left, ((0, 0), (0, 2)))
    positions = left[:, :2] * scales[:2]
    variances = scales**2
    total = float(variances.sum())
    share = float(variances[:2].sum()) / total if total > 0 else 1.0
    return Projection(PCA, (positions * _signs(positions)).astype(np.float32), share)


def tsne(vectors: np.ndarray) -> Projection:
    """t-SNE keeps neighbours together; distances between groups, and the sizes of groups, mean nothing.

    Args:
        vectors: float (n, features), finite.

    Raises:
        GreycardError: too few vectors.
    """
    projections.expect_enough(projections.TSNE, len(vectors))
    from sklearn import manifold

    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    found = manifold.TSNE(init="pca", perplexity=perplexity, random_state=0).fit_transform(vectors.astype(np.float32))
    return Projection(TSNE, found.astype(np.float32), principal_components(vectors).share)


def _signs(positions: np.ndarray) -> np.ndarray:
    """Signs that make the farthest position of each axis positive: the signs of components are arbitrary."""
    return np.where(positions.max(axis=0) < -positions.min(axis=0), -1.0, 1.0)
