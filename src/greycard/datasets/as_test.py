"""Open the user's own test images: every image of a dataset, with the labels of a trained model's classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

import numpy as np

from greycard.core.errors import GreycardError
from greycard.core.suggestions import near
from greycard.datasets.dataset import Dataset, LeftOut, Split
from greycard.datasets.label_lists import NO_LABEL
from greycard.datasets.label_sets import as_rows, class_counts, has_several
from greycard.datasets.open import survey_dataset
from greycard.datasets.parts import some
from greycard.datasets.roles import Role, role_of
from greycard.datasets.selection import joined
from greycard.datasets.source import Source
from greycard.datasets.survey import Survey


@dataclass(frozen=True)
class LabelledImages:
    """Images to measure a trained model on.

    Attributes:
        name: of the dataset.
        images: all images of all its splits; a label is a class of the model. The ids are unique.
        missing: the model's classes without an image.
        left_out: files that could not be read.
        notes: what the user should know about how the images were found.
    """

    name: str
    images: Split
    missing: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def open_as_test(
    what: Dataset | Source | str | Path,
    classes: Sequence[str],
    model: str,
    data_dir: str | Path | None = None,
    *,
    several: bool = False,
) -> LabelledImages:
    """Open a dataset for a measurement. It need not be fit to train on: a class may have one image or none.

    Args:
        what: anything that `open_dataset` takes.
        classes: the class names of the model, in label order.
        model: the name of the model, for messages.
        data_dir: the folder of named datasets.
        several: whether an image can have several labels for the model. Data with one class for each image then has
            one label for each, and `none` is no label.

    Raises:
        GreycardError: the dataset does not exist, has no images or labels, or has a class that the model does not know.
    """
    found = survey_dataset(what, data_dir)
    dataset = found.dataset
    if dataset.has_several_labels and not several:
        raise GreycardError(
            f"an image of {dataset.origin or dataset.name} can have several labels; {model} has one class per image",
            hint="name images with one class each",
        )
    images = reduce(joined, _with_unique_ids(dataset.splits))
    present = _present(images.labels, dataset.classes, several)
    _expect_known(found, present, classes, model)
    missing = tuple(name for name in classes if name not in present)
    renumbered = _label_rows if several else _class_numbers
    labelled = replace(images, labels=renumbered(images.labels, dataset.classes, classes))
    return LabelledImages(dataset.name, labelled, missing, dataset.left_out, dataset.notes)


def _present(labels: np.ndarray, names: Sequence[str], several: bool) -> list[str]:
    """The names that an image has; where an image can have several, `none` is no label."""
    counts = class_counts(labels, len(names)) if names else ()
    found = [name for name, count in zip(names, counts, strict=True) if count]
    return [name for name in found if not (several and name.casefold() == NO_LABEL)]


def _class_numbers(labels: np.ndarray, names: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Numbers of `names` as numbers of `classes`, int64 (n,)."""
    return np.array([classes.index(name) if name in classes else -1 for name in names], np.int64)[labels]


def _label_rows(labels: np.ndarray, names: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Labels of `names`, one or several for each image, as rows of 0 and 1 for `classes`, uint8 (n, classes)."""
    rows = labels if has_several(labels) else as_rows([(label,) for label in labels.tolist()], len(names))
    found = np.zeros((len(labels), len(classes)), np.uint8)
    for place, name in enumerate(names):
        if name in classes:
            found[:, classes.index(name)] = rows[:, place]
    return found


def _with_unique_ids(splits: Sequence[Split]) -> list[Split]:
    """The splits; the ids of arrays are row numbers, so they may need the name of their split."""
    ids = [id for split in splits for id in split.ids]
    if len(set(ids)) == len(ids):
        return list(splits)
    names = ("train", "validation", "test")
    return [
        replace(split, ids=tuple(f"{name}/{id}" for id in split.ids))
        for name, split in zip(names, splits, strict=False)
    ]


def _expect_known(found: Survey, present: Sequence[str], classes: Sequence[str], model: str) -> None:
    dataset = found.dataset
    place = dataset.origin or dataset.name
    if not present:
        if found.problems:
            raise found.problems[0]
        raise GreycardError(
            f"{place} has no classes; a test needs images with the classes of {model}: {some(list(classes))}",
            hint="put the test images into one folder for each class",
        )
    unknown = [name for name in present if name not in classes]
    if not unknown:
        return
    if found.problems and len(dataset.classes) == 1:  # perhaps the name of a folder without class folders
        raise GreycardError(found.problems[0].args[0], hint=_hint(found, classes))
    raise GreycardError(
        f"{place} has the {'class' if len(unknown) == 1 else 'classes'} {some(unknown)}, which {model} does not know;"
        f" expected {some(list(classes))}",
        hint=_rename(unknown[0], classes, present),
    )


def _rename(name: str, classes: Sequence[str], present: Sequence[str]) -> str:
    free = [each for each in near(name, classes) if each not in present]
    if free:
        return f"rename {name} to {free[0]}"
    if not set(present) & set(classes):
        return "name images of the model's classes"
    return f"rename {name} to the class that it shows, or leave it out"


def _hint(found: Survey, classes: Sequence[str]) -> str:
    """What to do about a layout without known classes: name the test folder in it, or make class folders."""
    origin = found.dataset.origin
    inside = sorted(origin.iterdir()) if origin is not None and origin.is_dir() else []
    held = [each for role in (Role.TEST, Role.VALIDATION) for each in inside if role_of(each.name) is role]
    if held:
        return f"name the folder of the test images: {held[0]}"
    return f"make a folder for each class, with its name: {some(list(classes))}"
