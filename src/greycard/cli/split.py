"""`greycard split`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from greycard.cli import options
from greycard.core.errors import GreycardError, command

if TYPE_CHECKING:
    from greycard.jobs.split import NewSplit


@click.command()
@click.argument("folder")
@click.option("-o", "--output", metavar="FILE", help="Where to write the manifest.  [default: NAME-split.csv]")
@click.option("--links", metavar="DIR", help="Make DIR with train/ and validation/ full of links, not a manifest.")
@click.option(
    "--val-fraction",
    type=float,
    default=0.2,
    show_default=True,
    metavar="X",
    help="Share of each class for validation.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Another seed, another split.",
)
@click.option(
    "--group-by",
    metavar="PATTERN",
    help="Keep images together whose names match alike, such as '(patient\\d+)'.",
)
@click.option(
    "--quarantine",
    metavar="FILE",
    help="Leave out what shows hardly anything or has two labels, and list in FILE all that is left out, and why.",
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
    """Split a FOLDER anew, near-duplicates on the same side.

    \b
    greycard split pets  # writes pets-split.csv
    greycard split pets -o halves.csv --val-fraction 0.5
    greycard train pets-split.csv

    Writes a manifest (path, label, split), which `greycard train` takes in a folder's place. Nothing is moved, copied
    or deleted; a train/ and a validation/ that are there are mixed first.
    """
    from greycard.api import load_folder
    from greycard.api import split as split_anew
    from greycard.datasets.manifest import expect_new, write_manifest
    from greycard.datasets.open import find_folder
    from greycard.jobs.split import write_links, write_quarantine

    if output and links:
        raise GreycardError("--output and --links exclude each other", hint="run it twice for both")
    root = find_folder(folder, data_dir)
    dataset = load_folder(root)
    place = Path(links or output or f"{dataset.name}-split.csv")
    if quarantine and Path(quarantine).resolve() == place.resolve():
        raise GreycardError(f"--quarantine and the split are the same file. Received: {place}", hint="name two")
    for new in (place, *([Path(quarantine)] if quarantine else [])):
        expect_new(new)
    found = split_anew(
        dataset, val_fraction=val_fraction, seed=seed, group_by=group_by, quarantine=bool(quarantine), quiet=quiet
    )
    if links:
        write_links(found.lines, place, root)
    else:
        write_manifest(found.lines, place)
    if quarantine:
        write_quarantine(found.set_aside, Path(quarantine))
    click.echo(_said(found, place))


def _said(found: NewSplit, place: Path) -> str:
    counts = Counter(line.split for line in found.lines)
    aside = f"; {len(found.set_aside):,} are left out" if found.set_aside else ""
    return (
        f"{place}: {counts['train']:,} training and {counts['validation']:,} validation images,"
        f" {found.together:,} of them kept together with another{aside}; now: {command('train', place)}"
    )
