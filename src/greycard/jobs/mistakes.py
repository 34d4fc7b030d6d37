"""The worst predictions on validation, with small images for the report."""

from __future__ import annotations

import numpy as np

from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.shrink import shrink
from greycard.tasks.task import Task

_KEPT, _SIDE = 24, 128


def worst_mistakes(
    task: Task, pixels: ArraySplit, probabilities: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]:
    """Ids, labels, probabilities and images, uint8 (n, height, width, channels), of the mistakes, worst first.

    Args:
        task: the task of the run.
        pixels: the validation images.
        probabilities: float (n, classes), or numbers (n, 1).
    """
    rows = task.mistakes(pixels.labels, probabilities)[:_KEPT]
    small = [shrink(pixels.images[row], _SIDE) for row in rows]
    images = np.stack(small) if small else np.empty((0, 1, 1, 1), np.uint8)
    return tuple(pixels.ids[row] for row in rows), pixels.labels[rows], probabilities[rows], images
