"""Images that are listed with their labels: classes, or numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.datasets.listing import Listing, survey_listing
from greycard.datasets.numbers import REGRESSION, are_numbers, number_note, odd_labels, survey_numbers
from greycard.datasets.survey import Survey


def survey_labelled(
    listing: Listing, name: str, origin: Path | None, *, val_fraction: float, split_seed: int, task: str | None = None
) -> Survey:
    """The dataset of listed images, and the problems that prevent training.

    Args:
        listing: the images.
        name: the dataset's.
        origin: the file or folder that lists them, or None.
        val_fraction: share for validation, of each class or of small and large numbers, if the images have no split.
        split_seed: random seed of that split; the order of the images matters, too.
        task: `regression` to read the labels as numbers, another task to read them as classes; None decides by the
            labels.

    Raises:
        GreycardError: a regression is asked for, and an image can have several labels.
    """
    labels = [image.text for image in listing.images]
    if listing.several and task == REGRESSION:
        raise GreycardError(
            f"an image of {listing.place} can have several labels; a regression needs a number for each image",
            hint="leave out --set task=regression",
        )
    if listing.several:
        return survey_listing(listing, name, origin, val_fraction=val_fraction, split_seed=split_seed)
    if task == REGRESSION or (task is None and are_numbers(labels)):
        return survey_numbers(
            listing, name, origin, val_fraction=val_fraction, split_seed=split_seed, asked=task is not None
        )
    notes = number_note(labels, listing.place) if task is None else []
    told = replace(listing, notes=(*listing.notes, *notes))
    found = survey_listing(told, name, origin, val_fraction=val_fraction, split_seed=split_seed)
    odd = odd_labels(listing) if task is None and found.problems else []
    return replace(found, problems=(*odd, *found.problems))
