"""`greycard sample`."""

from __future__ import annotations

from pathlib import Path

import click

from greycard.cli import options


@click.command()
@click.argument("folder", metavar="DIR")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed, other pictures.")
@click.option("--defects", is_flag=True, help="Plant a defect of each kind that `greycard check` finds, and list them.")
@options.debug
def sample(folder: str, seed: int, defects: bool, debug: bool) -> None:
    """Render a few hundred labelled pictures into DIR, as train/ and validation/ class folders, to try things on."""
    from greycard.datasets.defects import plant_defects
    from greycard.datasets.sample import CLASSES, write_sample

    planted: dict[str, list[str]] = {}

    def spoil(draft: Path) -> None:
        if defects:
            planted.update(plant_defects(draft))

    count = write_sample(Path(folder), seed=seed, spoil=spoil)
    for kind, names in planted.items():
        click.echo(f"{kind}: {', '.join(names)}")
    now = f"greycard {'check' if defects else 'train'} {folder}"
    click.echo(f"{count} pictures of {len(CLASSES)} classes ({', '.join(CLASSES)}) in {folder}; now: {now}")
