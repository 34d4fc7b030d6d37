"""A random sample of all images that grows while they are labelled, in any order.

All images stand in one random order. The sample is the longest head of this order in which every image has a label.
The labels that a person gives decide how long it is, never which images are in it, so an accuracy measured on it is an
unbiased estimate for all images, also if most other labels are of hard images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np


def random_order(keys: Sequence[str]) -> np.ndarray:
    """The rows of images in a random order that depends only on each image's key, int (n,).

    Args:
        keys: a key for each image that does not change when it is labelled.
    """
    digests = [hashlib.blake2b(key.encode(), digest_size=8).digest() for key in keys]
    return np.array(sorted(range(len(keys)), key=digests.__getitem__), dtype=np.int64)


def sample_of(order: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """The rows of the sample, int (m,).

    Args:
        order: the result of `random_order`.
        labelled: bool (n,), the images that a person has labelled.
    """
    without = np.flatnonzero(~labelled[order])
    return order[: without[0]] if len(without) else order
