"""Images listed one by one by a table or a `Source`, and the dataset built from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from greycard.core.errors import GreycardError
from greycard.datasets.columns import Label
from greycard.datasets.dataset import Dataset, LeftOut, Split, SplitMethod
from greycard.datasets.file_facts import FileFacts
from greycard.datasets.label_sets import as_rows, has_several
from greycard.datasets.parts import some
from greycard.datasets.roles import Role
from greycard.datasets.scan import needed_extra, spread
from greycard.datasets.splits import stratified_split
from greycard.datasets.strata import strata
from greycard.datasets.survey import Survey

_WORDS = {Role.TRAIN: "training ", Role.VALIDATION: "validation ", Role.TEST: "test "}


@dataclass(frozen=True)
class ListedImage:
    """An image with an existing file.

    Attributes:
        id: its name in the dataset.
        path: the file.
        label: the name of its class, or of all its labels if an image can have several.
        side: its split, or None.
        facts: of the file, or the reason why it cannot be read.
        line: its line in the table, or None.
    """

    id: str
    path: Path
    label: Label
    side: Role | None
    facts: FileFacts | str
    line: int | None = None

    @property
    def text(self) -> str:
        """Its label, or its labels, as one text."""
        return self.label if isinstance(self.label, str) else ", ".join(self.label)

    @property
    def where(self) -> str:
        """Its place in the list, for messages."""
        return f"for {self.id}" if self.line is None else f"in line {self.line}"


Sides = dict[Role | None, list[ListedImage]]


@dataclass(frozen=True)
class Listing:
    """Listed images, each once.

    Attributes:
        place: the table or source, for messages.
        images: those that exist.
        problems: errors that prevent training, such as images with two labels.
        notes: what the user should know about how they were read.
        several: how the labels are stated if an image can have several; None for one label per image.
    """

    place: str
    images: tuple[ListedImage, ...]
    problems: tuple[GreycardError, ...] = ()
    notes: tuple[str, ...] = ()
    several: str | None = None

    def sides(self) -> Sides:
        """By role, training first; all under None if there are no validation or test images. Without validation
        images, the test images become the validation images."""
        roles = {image.side for image in self.images}
        if not roles & {Role.VALIDATION, Role.TEST}:
            return {None: list(self.images)}
        sides: Sides = {role: [image for image in self.images if image.side is role] for role in Role}
        if not sides[Role.VALIDATION]:
            sides[Role.VALIDATION] = sides.pop(Role.TEST)
        return {role: side for role, side in sides.items() if side or role is not Role.TEST}

    def left_out(self) -> tuple[LeftOut, ...]:
        return tuple(LeftOut(image.id, image.facts) for image in self.images if isinstance(image.facts, str))


def survey_listing(listing: Listing, name: str, origin: Path | None, *, val_fraction: float, split_seed: int) -> Survey:
    """The dataset of listed images, and the problems that prevent training.

    Args:
        listing: the images.
        name: the dataset's.
        origin: the file or folder that lists them, or None.
        val_fraction: share of each class for validation, if the images have no split.
        split_seed: random seed of that split; the order of the images matters, too.
    """
    sides = listing.sides()
    classes = tuple(sorted({name for image in listing.images for name in _names(image)}))
    problems = [*listing.problems, *_problems(listing, sides, classes)]
    parts = {role: _split(side, classes, listing.several is not None) for role, side in sides.items()}
    return survey_parts(
        listing, parts, classes, problems, name, origin, val_fraction=val_fraction, split_seed=split_seed
    )


def survey_parts(
    listing: Listing,
    parts: Mapping[Role | None, Split],
    classes: tuple[str, ...],
    problems: Sequence[GreycardError],
    name: str,
    origin: Path | None,
    *,
    val_fraction: float,
    split_seed: int,
) -> Survey:
    """The dataset of listed images with their labels, split if the list does not split them.

    Args:
        listing: the images.
        parts: the readable images with labels, by role as `Listing.sides` has them.
        classes: the label names; empty for numbers.
        problems: that prevent training.
        name: the dataset's.
        origin: the file or folder that lists them, or None.
        val_fraction: share of each class, or of small and large numbers, for validation, if the images have no split.
        split_seed: random seed of that split.
    """
    method, test = SplitMethod(), parts.get(Role.TEST)
    if None not in parts:
        train, validation = parts[Role.TRAIN], parts[Role.VALIDATION]
    elif problems:  # there may be no images to split
        train, validation = parts[None], parts[None].take([])
    else:
        labels = parts[None].labels
        among = labels if has_several(labels) else strata(labels)
        rows = stratified_split(among, val_fraction, split_seed)
        train, validation = parts[None].take(rows[0]), parts[None].take(rows[1])
        method = SplitMethod(val_fraction, split_seed)
    whole = next(iter(parts.values()))
    sizes = spread([facts.size for facts in whole.facts or ()])
    found = Dataset(
        name, classes, train, validation, listing.left_out(), listing.notes, sizes, origin, method, test,
        several=listing.several,
    )  # fmt: skip
    return Survey(found, tuple(problems))


def _names(image: ListedImage) -> tuple[str, ...]:
    return (image.label,) if isinstance(image.label, str) else image.label


def _split(side: Sequence[ListedImage], classes: Sequence[str], several: bool) -> Split:
    """The readable images of a split."""
    numbers = {name: number for number, name in enumerate(classes)}
    good = [(image, image.facts) for image in side if not isinstance(image.facts, str)]
    sets = [tuple(numbers[name] for name in _names(image)) for image, _ in good]
    labels = as_rows(sets, len(classes)) if several else np.array(sets, dtype=np.int64).reshape(-1)
    ids = tuple(image.id for image, _ in good)
    return Split(ids, labels, tuple(image.path for image, _ in good), tuple(facts for _, facts in good))


def _problems(listing: Listing, sides: Sides, classes: Sequence[str]) -> list[GreycardError]:
    """Errors for too few labels and for splits that lack a label; a test split may lack labels."""
    if len(classes) < 2:
        received = f"a single label, {classes[0]!r}" if classes else "no existing image"
        why = f"{listing.place} has {received}; expected two labels or more"
        return [GreycardError(why, hint="add images of another label")]
    least = 2 if None in sides else 1
    found = []
    for role, side in sides.items():
        counts = Counter(name for image in side if not isinstance(image.facts, str) for name in _names(image))
        lacking = [label for label in classes if counts[label] < least]
        if role is Role.TEST:
            lacking = [] if counts else list(classes)
        if lacking:
            found.append(_lacking(listing, side_word(role), lacking, least))
    return found


def side_word(role: Role | None) -> str:
    """`training `, or nothing for images without a split."""
    return "" if role is None else _WORDS[role]


def _lacking(listing: Listing, side: str, labels: list[str], least: int) -> GreycardError:
    wanted = "some of every label" if least == 1 else f"{least} or more of every label"
    number = "no readable" if least == 1 else f"fewer than {least} readable"
    bad = next(iter(listing.left_out()), None)
    why = f". {bad.id} could not be read: {bad.reason}" if bad else ""
    return GreycardError(
        f"{listing.place} has {number} {side}images of {some(labels)}; expected {wanted}{why}",
        hint=needed_extra(listing.left_out()) or "add some, or remove the lines of that label",
    )
