"""Images that belong to none of the classes, in a folder `strangers/`: never trained on, they show what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from greycard.datasets.file_facts import ReadFacts, scan_files
from greycard.datasets.parts import STRANGERS, Part, strangers_in
from greycard.datasets.scan import scan
from greycard.datasets.survey import Survey


def with_strangers(found: Survey, place: Path | None, root: Path, read: ReadFacts = scan_files) -> Survey:
    """A survey with the images of a folder of strangers, and a note about them.

    Args:
        found: the images of the dataset.
        place: the folder; None for none.
        root: ids are paths relative to it.
        read: reads the facts of files.
    """
    if place is None:
        return found
    strangers, dataset = scan(Part(place, {STRANGERS: (place,)}), root, read), found.dataset
    count = f"{len(strangers.paths):,} image{'' if len(strangers.paths) == 1 else 's'}"
    what = "of none of the classes: not a class, and" if dataset.classes else "of other things, without a number:"
    return replace(
        found,
        dataset=replace(
            dataset,
            notes=(*dataset.notes, f"{place} has {count} {what} never trained on"),
            left_out=(*dataset.left_out, *strangers.left_out),
            strangers=strangers.split([STRANGERS]) if strangers.paths else None,
        ),
    )


def strangers_beside(found: Survey, file: Path) -> Path | None:
    """The folder of strangers beside a label file; None if there is none, or if the file lists images in it."""
    place = strangers_in(file.absolute().parent)
    images = [path for split in found.dataset.splits if isinstance(split.images, tuple) for path in split.images]
    return None if place and any(path.absolute().is_relative_to(place) for path in images) else place
