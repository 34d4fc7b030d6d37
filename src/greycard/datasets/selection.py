"""Rebuild a split from image ids, independent of the current split of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Dataset, Split

Ids = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
"""Ids of the training, validation and test images, in order; no test ids if the run has no test images."""


def select(dataset: Dataset, ids: Ids, classes: tuple[str, ...], needed_for: str, hint: str) -> Dataset:
    """The dataset with exactly these images in each split, in this order.

    Args:
        dataset: has the images in any split; other images are left out.
        ids: of each split.
        classes: the expected class names in label order; the dataset may have more.
        needed_for: end of the error's sentence, such as `pets-1 was trained on`.
        hint: hint of that error.

    Raises:
        GreycardError: some images are missing or now have another class.
    """
    sides = (dataset.train, dataset.validation, dataset.test or dataset.validation.take([]))
    parts = []
    for wanted, side in zip(ids, sides, strict=True):
        part = side if side.ids == wanted else _taken(wanted, side, [each for each in sides if each is not side])
        if part is None:
            known = {id for each in sides for id in each.ids}
            lost = [id for id in wanted if id not in known]
            raise GreycardError(
                f"{dataset.origin or dataset.name} lacks {len(lost):,} of the {sum(map(len, ids)):,} images that"
                f" {needed_for}, such as {lost[0]}",
                hint=hint,
            )
        parts.append(replace(part, labels=_as_labelled(part, dataset, classes, hint)))
    test = parts[2] if ids[2] else None
    return replace(dataset, classes=classes, train=parts[0], validation=parts[1], test=test)


def _taken(ids: tuple[str, ...], side: Split, others: Sequence[Split]) -> Split | None:
    """The images in this order; if two have the same id, the one of `side`. None if one is missing."""
    whole = reduce(joined, (*others, side))
    row_of = {id: row for row, id in enumerate(whole.ids)}
    return whole.take([row_of[id] for id in ids]) if row_of.keys() >= set(ids) else None


def joined(first: Split, second: Split) -> Split:
    """The images of one split, then those of another."""
    labels = np.concatenate([first.labels, second.labels])
    if isinstance(first.images, tuple) and isinstance(second.images, tuple):
        facts = None if first.facts is None or second.facts is None else first.facts + second.facts
        return Split(first.ids + second.ids, labels, first.images + second.images, facts)
    return Split(first.ids + second.ids, labels, np.concatenate([first.images, second.images]))


def _as_labelled(part: Split, dataset: Dataset, classes: tuple[str, ...], hint: str) -> np.ndarray:
    """The labels as indices of the expected classes."""
    if dataset.classes == classes:
        return part.labels
    if dataset.has_several_labels:
        return _several_as_labelled(part, dataset.classes, classes, hint)
    number = np.array([classes.index(name) if name in classes else -1 for name in dataset.classes], dtype=np.int64)
    labels = number[part.labels]
    if (labels < 0).any():
        row = int(np.argmin(labels))
        raise GreycardError(
            f"{part.ids[row]} now has the class {dataset.classes[part.labels[row]]!r};"
            f" expected one of {', '.join(classes)}",
            hint=hint,
        )
    return labels


def _several_as_labelled(part: Split, found: tuple[str, ...], classes: tuple[str, ...], hint: str) -> np.ndarray:
    """The labels, uint8 (n, classes), in the order of the expected classes."""
    for number, name in enumerate(found):
        if name not in classes and part.labels[:, number].any():
            id = part.ids[int(np.flatnonzero(part.labels[:, number])[0])]
            raise GreycardError(f"{id} now has the label {name!r}; expected some of {', '.join(classes)}", hint=hint)
    none = np.zeros(len(part), dtype=np.uint8)
    return np.stack([part.labels[:, found.index(name)] if name in found else none for name in classes], axis=1)
