"""Images that are listed with their labels: classes, or numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from greycard.datasets.listing import Listing, survey_listing
from greycard.datasets.numbers import REGRESSION, are_numbers, number_note, survey_numbers
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
    """
    labels = [image.label for image in listing.images]
    if task == REGRESSION or (task is None and are_numbers(labels)):
        return survey_numbers(
            listing, name, origin, val_fraction=val_fraction, split_seed=split_seed, asked=task is not None
        )
    notes = number_note(labels, listing.place) if task is None else []
    told = replace(listing, notes=(*listing.notes, *notes))
    return survey_listing(told, name, origin, val_fraction=val_fraction, split_seed=split_seed)
