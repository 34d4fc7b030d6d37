"""Labels as arrays: one class number per image, int (n,), or several labels per image, uint8 (n, labels) of 0 and 1."""

from __future__ import annotations

import numpy as np

from greycard.datasets.label_lists import list_text, separator_of


def has_several(labels: np.ndarray) -> bool:
    """True if an image can have several labels."""
    return labels.ndim == 2


def class_counts(labels: np.ndarray, classes: int) -> np.ndarray:
    """The number of images of each class or with each label, int64 (classes,)."""
    if has_several(labels):
        return labels.sum(axis=0, dtype=np.int64)
    return np.bincount(labels, minlength=classes)


def as_rows(sets: list[tuple[int, ...]], number: int) -> np.ndarray:
    """Sets of label numbers as uint8 (n, number)."""
    rows = np.zeros((len(sets), number), dtype=np.uint8)
    for row, labels in enumerate(sets):
        rows[row, list(labels)] = 1
    return rows


def names_of(row: np.ndarray, classes: tuple[str, ...]) -> tuple[str, ...]:
    """The names of an image's labels, from its row of 0 and 1."""
    return tuple(name for name, one in zip(classes, row.tolist(), strict=True) if one)


def label_text(label: np.ndarray, classes: tuple[str, ...]) -> str:
    """An image's class, or a list of its labels if it can have several, as one text; of a row of an array of labels."""
    return list_text(names_of(label, classes), separator_of(classes)) if np.ndim(label) else classes[int(label)]


def several_split(labels: np.ndarray, fraction: float, order: np.ndarray) -> np.ndarray:
    """Which images go to validation, bool (n,): iterative stratification, the rarest remaining label first.

    Source: Sechidis et al., "On the stratification of multi-label data" (2011).

    Args:
        labels: uint8 (n, labels).
        fraction: share for validation, between 0 and 1.
        order: the rows in random order.
    """
    labels = np.column_stack([labels, ~labels.any(axis=1)]).astype(np.int64)  # no label is a kind of its own
    counts = labels.sum(axis=0)
    held = np.minimum(np.maximum(np.round(counts * fraction), 1), np.maximum(counts - 1, 0)).astype(np.int64)
    wanted, free = [counts - held, held], [len(labels) - round(len(labels) * fraction), round(len(labels) * fraction)]
    validation, open_ = np.zeros(len(labels), dtype=bool), np.ones(len(labels), dtype=bool)
    while open_.any():
        left = labels[open_].sum(axis=0)
        label = min(np.flatnonzero(left).tolist(), key=lambda each: int(left[each]))
        for row in order[open_[order] & (labels[order, label] > 0)].tolist():
            side = int((wanted[1][label], free[1]) > (wanted[0][label], free[0]))
            wanted[side] = wanted[side] - labels[row]
            free[side] -= 1
            validation[row], open_[row] = bool(side), False
    return validation
