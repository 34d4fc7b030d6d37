"""`greycard split`."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from greycard.cli import options
from greycard.core.errors import GreycardError, command

if TYPE_CHECKING:
    from greycard.datasets.dataset import Dataset
    from greycard.jobs.split import NewSplit


@click.command()
@click.argument("folder")
@click.option(
    "-o", "--output", type=options.LOCAL, metavar="FILE", help="Output file of the manifest.  [default: NAME-split.csv]"
)
@click.option(
    "--links",
    type=options.LOCAL,
    metavar="DIR",
    help="Create DIR with links to the images in train/ and validation/ instead.",
)
@click.option(
    "--val-fraction",
    type=float,
    default=0.2,
    show_default=True,
    metavar="X",
    help="Fraction of each class for validation.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Seed of the split.",
)
@click.option(
    "--group-by",
    metavar="PATTERN",
    help="Keep images together if this regular expression finds the same text, such as '(patient\\d+)'.",
)
@click.option(
    "--quarantine",
    type=options.LOCAL,
    metavar="FILE",
    help="Leave out near-empty images and images with two labels, and list them with the reasons in FILE.",
)
@options.data_dir
@options.quiet
@options.debug
def split(
    folder: str,
    output: str | None,
    links: str | None,
    val_fraction: float,
    seed: int,
    group_by: str | None,
    quarantine: str | None,
    data_dir: str | None,
    quiet: bool,
    debug: bool,
) -> None:
    """Split a FOLDER; near-duplicates stay on the same side.

    \b
    greycard split pets  # writes pets-split.csv
    greycard split pets -o halves.csv --val-fraction 0.5
    greycard train pets-split.csv

    It writes a manifest (path, label, split) that `greycard train` accepts in place of a folder. It does not move, copy
    or delete images. If the folder has train/ and validation/, it mixes them first; a test/ is not changed.
    """
    from greycard.api import open_dataset
    from greycard.api import split as split_dataset
    from greycard.datasets.manifest import write_manifest
    from greycard.datasets.open import find_path
    from greycard.jobs.split import write_links, write_quarantine

    if output and links:
        raise GreycardError("--output and --links cannot be used together", hint="run the command twice for both")
    root = find_path(folder, data_dir)
    dataset = open_dataset(folder, data_dir)
    _expect_folders(dataset, links)
    place = Path(links or output or f"{dataset.name}-split.csv")
    _expect_new(place, quarantine)
    found = split_dataset(
        dataset, val_fraction=val_fraction, seed=seed, group_by=group_by, quarantine=bool(quarantine), quiet=quiet
    )
    if links:
        write_links(found.lines, place, root if root.is_dir() else _shared_folder(found))
    else:
        write_manifest(found.lines, place, several=dataset.has_several_labels)
    if quarantine:
        write_quarantine(found.set_aside, Path(quarantine))
    click.echo(_summary(found, place))


def _expect_folders(dataset: Dataset, links: str | None) -> None:
    """Raise a GreycardError for a folder of links if an image can have several labels."""
    if links and dataset.has_several_labels:
        raise GreycardError(
            f"an image of {dataset.name} can have several labels, and a folder of links has one folder for each class",
            hint="leave out --links: a label file holds lists of labels",
        )


def _expect_new(place: Path, quarantine: str | None) -> None:
    """Raise a GreycardError if a file to be written exists, or both are the same."""
    from greycard.datasets.manifest import expect_new

    if quarantine and Path(quarantine).resolve() == place.resolve():
        raise GreycardError(
            f"--quarantine and the split are the same file. Received: {place}", hint="choose two different files"
        )
    for new in (place, *([Path(quarantine)] if quarantine else [])):
        expect_new(new)


def _shared_folder(found: NewSplit) -> Path:
    """The deepest folder that holds all images of a label file."""
    return Path(os.path.commonpath([line.path.absolute().parent for line in found.lines]))


def _summary(found: NewSplit, place: Path) -> str:
    counts = Counter(line.split for line in found.lines)
    aside = f"; {len(found.set_aside):,} left out" if found.set_aside else ""
    return (
        f"{place}: {counts['train']:,} training and {counts['validation']:,} validation images,"
        f" {found.together:,} of them kept together with another{aside}; next: {command('train', place)}"
    )
