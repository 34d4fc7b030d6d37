"""`greycard sample`."""

from __future__ import annotations

from pathlib import Path

import click

from greycard.cli import options
from greycard.core.errors import command


@click.command()
@click.argument("folder", type=options.LOCAL, metavar="DIR")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Seed of the images.",
)
@click.option("--defects", is_flag=True, help="Add a defect of each kind that a check finds, and list them.")
@options.debug
def sample(folder: str, seed: int, defects: bool, debug: bool) -> None:
    """Render a folder of labelled sample images into a new DIR.

    \b
    greycard sample pets
    greycard sample spoiled --defects  # with a defect of each kind
    greycard train pets

    It renders a few hundred images of cats, dogs and rabbits, in class folders under train/ and validation/.
    """
    from greycard.synthetic.defects import plant_defects
    from greycard.synthetic.sample import CLASSES, write_sample

    planted: dict[str, list[str]] = {}

    def spoil(draft: Path) -> None:
        if defects:
            planted.update(plant_defects(draft))

    count = write_sample(Path(folder), seed=seed, spoil=spoil)
    for kind, names in planted.items():
        click.echo(f"{kind}: {', '.join(names)}")
    now = command("check" if defects else "train", Path(folder))
    click.echo(f"{count} images of {len(CLASSES)} classes ({', '.join(CLASSES)}) in {folder}; next: {now}")
