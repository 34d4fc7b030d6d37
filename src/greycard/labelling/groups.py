"""Images that are nearly the same, such as those of a burst: together they say no more than one of them."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

SAME, SAME_CENTRED = 0.98, 0.95
"""Images are of one group if their features have at least the first cosine, or after centring the second.

Of 2,000 photographs of cats and dogs one pair is above, and it shows one image twice (0.99 and 0.98); all others are
below 0.84 and 0.82 with EfficientNet-Lite0. Of 2,000 images of Fashion-MNIST, which are much more alike, none has more
than 0.97 and 0.93. Centring shows what is alike in a varied set; where most images are one burst, it leaves only noise.
"""

_BLOCK = 256
"""Images that are compared with all others at once. Of thousands of nearly equal images not all pairs are in memory."""


def groups_of(features: np.ndarray) -> np.ndarray:
    """The group of each image, int (n,).

    Args:
        features: float32 (n, features).
    """
    if not len(features):
        return np.zeros(0, dtype=np.int64)
    unit, centred = unit_length(features), unit_length(features - features.mean(axis=0, keepdims=True))
    found = np.arange(len(unit))
    for start in range(0, len(unit), _BLOCK):
        rows = slice(start, start + _BLOCK)
        near = (unit[rows] @ unit[start:].T >= SAME) | (centred[rows] @ centred[start:].T >= SAME_CENTRED)
        found = _joined(found, np.stack(np.nonzero(near)) + start)
    return found


def unit_length(features: np.ndarray) -> np.ndarray:
    """Features divided by their length, float32 (n, features)."""
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)


def _joined(groups: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The groups after those of each pair are joined, int (n,).

    Args:
        groups: int (n,).
        pairs: of rows, int (2, pairs).
    """
    first, second = groups[pairs]
    size = len(groups)
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(size, size))
    return connected_components(graph, directed=False)[1][groups]
