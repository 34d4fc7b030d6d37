"""What to label next: every second image is random, the others are unlike each other and hard for the probe."""

from __future__ import annotations

import numpy as np

from greycard.labelling.groups import unit_length

_CANDIDATES = 10
"""The unsure images are chosen from so many times as many with the smallest margins."""


def next_images(
    order: np.ndarray, labelled: np.ndarray, count: int, probabilities: np.ndarray | None, features: np.ndarray
) -> np.ndarray:
    """The rows of the images to label next, the first one first, int (at most `count`,).

    Args:
        order: all images in the random order of the sample.
        labelled: bool (n,), the images that need no label.
        count: number of images.
        probabilities: float (n, classes), of which only those without a label count; None for random images only.
        features: float32 (n, features).
    """
    at_random = order[~labelled[order]][:count]
    if probabilities is None:
        return at_random
    unsure = unsure_images(probabilities, features, np.flatnonzero(~labelled), count)
    turns = np.stack([at_random, unsure], axis=1).ravel()
    first = np.sort(np.unique(turns, return_index=True)[1])  # an image can be in both
    return turns[first][:count]


def unsure_images(probabilities: np.ndarray, features: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """The rows with small margins between the two likeliest classes that are far from each other.

    The first has the smallest margin. Each next one has the largest product of its unsureness (1 - margin) and its
    distance to the nearest chosen one, among those with the smallest margins.

    Args:
        probabilities: float (n, classes).
        features: float32 (n, features).
        rows: the images to choose from, int.
        count: number of images.
    """
    margins = margins_of(probabilities[rows])
    near = np.argsort(margins, kind="stable")[: count * _CANDIDATES]
    candidates, unsure = rows[near], 1 - margins[near]
    unit = unit_length(features[candidates])
    chosen, distance = list[int](), np.ones(len(candidates))
    for _ in range(min(count, len(candidates))):
        best = int(np.argmax(unsure * distance))
        chosen.append(best)
        distance = np.minimum(distance, 1 - unit @ unit[best])
        distance[chosen] = -1.0
    return candidates[chosen]


def margins_of(probabilities: np.ndarray) -> np.ndarray:
    """How much likelier the likeliest class is than the second, float (n,)."""
    highest = np.sort(probabilities, axis=1)[:, -2:]
    return highest[:, 1] - highest[:, 0]
