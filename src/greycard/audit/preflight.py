"""Checks before every training, on the decoded pixels, in seconds: leakage, class counts, shift."""

from __future__ import annotations

import hashlib

import numpy as np

from greycard.audit.facts import Preflight
from greycard.audit.shift import find_shift
from greycard.datasets.label_sets import class_counts
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.cache import drop_pages


def preflight(train: ArraySplit, validation: ArraySplit, classes: int) -> Preflight:
    """Count the classes, and look for leaks and shift, for the run's summary.

    Args:
        train: the training images, as training gets them.
        validation: the validation images.
        classes: the number of classes; 0 if the labels are numbers.
    """
    leaks = _leaks(train, validation)
    shift = find_shift(train.images, validation.images)
    for part in (train, validation):
        drop_pages(part.images)
    return Preflight(
        train_counts=_counts(train.labels, classes),
        val_counts=_counts(validation.labels, classes),
        train_digest=train.digest,
        leaks=len(leaks),
        leak_example=leaks[0] if leaks else None,
        shift=shift,
    )


def _counts(labels: np.ndarray, classes: int) -> tuple[int, ...]:
    """The number of images of each class; empty without classes."""
    return tuple(class_counts(labels, classes).tolist()) if classes else ()


def _leaks(train: ArraySplit, validation: ArraySplit) -> list[tuple[str, str]]:
    """Pairs (validation id, training id) with equal pixels."""
    known = {_digest(image): id for image, id in zip(train.each(), train.ids, strict=True)}
    found = ((id, known.get(_digest(image))) for image, id in zip(validation.each(), validation.ids, strict=True))
    return [(id, same) for id, same in found if same is not None]


def _digest(image: np.ndarray) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(image).data).digest()
