"""Labels that are numbers: which columns of labels are, and the dataset of a regression."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Dataset, Split
from greycard.datasets.listing import ListedImage, Listing, Sides, side_word, survey_parts
from greycard.datasets.parts import some
from greycard.datasets.roles import Role
from greycard.datasets.scan import needed_extra
from greycard.datasets.survey import Survey

REGRESSION = "regression"
"""The name of the task that predicts a number, as recipes have it."""

AS_NUMBERS, AS_CLASSES = f"--set task={REGRESSION}", "--set task=multiclass"

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LARGEST = float(np.finfo(np.float32).max)
_MOST_CLASSES = 10
"""Up to so many different numbers are classes, such as the ten digits, unless the user asks for a regression."""

_NUMBERS_TO_ODD = 10
"""So many numbers for each other label mean that the other labels are mistakes."""

_LEAST = {None: 4, Role.TRAIN: 2, Role.VALIDATION: 2, Role.TEST: 1}
"""The least number of readable images of each part; without a split, of all of them."""


def as_number(text: str) -> float | None:
    """The finite number that a text is, or None."""
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if abs(value) <= _LARGEST else None


def are_numbers(labels: Sequence[str]) -> bool:
    """Whether the labels are clearly numbers and not classes: more than ten different numbers, with decimals or nearly
    all different."""
    values = [as_number(label) for label in set(labels)]
    if len(values) <= _MOST_CLASSES or None in values:
        return False
    whole = all(value is not None and value.is_integer() for value in values)
    return not whole or 2 * len(values) > len(labels)


def number_note(labels: Sequence[str], place: str) -> list[str]:
    """A note about classes that may have been meant as numbers."""
    names = set(labels)
    if len(names) <= _MOST_CLASSES or any(as_number(name) is None for name in names):
        return []
    return [f"the labels of {place} are {len(names):,} numbers, read as classes; {AS_NUMBERS} predicts a number"]


def survey_numbers(
    listing: Listing, name: str, origin: Path | None, *, val_fraction: float, split_seed: int, asked: bool
) -> Survey:
    """The dataset of listed images whose labels are numbers, and the problems that prevent training.

    Args:
        listing: the images.
        name: the dataset's.
        origin: the file or folder that lists them, or None.
        val_fraction: share of the images for validation, if they have no split; the same of small and large numbers.
        split_seed: random seed of that split; the order of the images matters, too.
        asked: whether the user asked for a regression.
    """
    bad = [image for image in listing.images if as_number(image.text) is None]
    sides: Sides = {
        role: [image for image in side if as_number(image.text) is not None] for role, side in listing.sides().items()
    }
    parts = {role: _split(side) for role, side in sides.items()}
    problems = [*listing.problems, *_not_numbers(listing, bad), *_problems(listing, parts)]
    told = listing if asked else replace(listing, notes=(*listing.notes, _decided(listing)))
    return survey_parts(told, parts, (), problems, name, origin, val_fraction=val_fraction, split_seed=split_seed)


def odd_labels(listing: Listing) -> list[GreycardError]:
    """An error for images that cannot be classes, because nearly all of their labels are numbers."""
    bad = [image for image in listing.images if as_number(image.text) is None]
    good = [image.text for image in listing.images if as_number(image.text) is not None]
    return _not_numbers(listing, bad) if len(good) >= _NUMBERS_TO_ODD * len(bad) and are_numbers(good) else []


def with_numbers(found: Survey) -> Survey:
    """A survey of classes as one of numbers: the name of each class is its number.

    Raises:
        GreycardError: the name of a class is not a number.
    """
    dataset = found.dataset
    if not dataset.classes:
        return found
    values = [as_number(name) for name in dataset.classes]
    odd = [name for name, value in zip(dataset.classes, values, strict=True) if value is None]
    if odd:
        raise GreycardError(
            f"{dataset.origin or dataset.name} has the classes {some(list(dataset.classes))}, and {odd[0]!r} is no"
            " number; a regression needs a number for each image",
            hint="name a label file (CSV) of paths and numbers, or leave out --set task=regression",
        )
    numbers = np.array(values, dtype=np.float32)
    parts = [None if part is None else replace(part, labels=numbers[part.labels]) for part in _parts(dataset)]
    assert parts[0] is not None
    assert parts[1] is not None
    return replace(found, dataset=replace(dataset, classes=(), train=parts[0], validation=parts[1], test=parts[2]))


def _parts(dataset: Dataset) -> tuple[Split | None, ...]:
    return dataset.train, dataset.validation, dataset.test


def _split(side: Sequence[ListedImage]) -> Split:
    """The readable images of a split."""
    good = [(image, image.facts) for image in side if not isinstance(image.facts, str)]
    labels = np.array([float(image.text) for image, _ in good], dtype=np.float32)
    ids = tuple(image.id for image, _ in good)
    return Split(ids, labels, tuple(image.path for image, _ in good), tuple(facts for _, facts in good))


def _decided(listing: Listing) -> str:
    count = len({image.label for image in listing.images})
    return f"the labels of {listing.place} are {count:,} different numbers: a regression; {AS_CLASSES} reads classes"


def _not_numbers(listing: Listing, bad: Sequence[ListedImage]) -> list[GreycardError]:
    if not bad:
        return []
    where = [f"{image.label!r} {image.where}" for image in bad]
    are = "1 label is" if len(bad) == 1 else f"{len(bad):,} labels are"
    return [
        GreycardError(
            f"{listing.place}: {are} not a finite number: {some(where)}; a regression needs a number for each image",
            hint=f"correct or remove them; a number is written like 3.5, and {AS_NUMBERS} reads numbers",
        )
    ]


def _problems(listing: Listing, parts: dict[Role | None, Split]) -> list[GreycardError]:
    """Errors for too few images and for numbers that are all the same."""
    found = []
    for role, part in parts.items():
        least = _LEAST[role]
        if len(part) < least:
            bad = next(iter(listing.left_out()), None)
            why = f". {bad.id} could not be read: {bad.reason}" if bad else ""
            found.append(
                GreycardError(
                    f"{listing.place} has {len(part)} readable {side_word(role)}images with a number; expected"
                    f" {least} or more{why}",
                    hint=needed_extra(listing.left_out()) or "add images",
                )
            )
    train = parts.get(Role.TRAIN, parts.get(None))
    if not found and train is not None and len(np.unique(train.labels)) == 1:
        found.append(
            GreycardError(
                f"{listing.place} has the number {train.labels[0]:g} for each training image; there is nothing to"
                " learn, expected different numbers",
                hint="check that the right column has the labels",
            )
        )
    return found
