"""`greycard sample`."""

from __future__ import annotations

from pathlib import Path

import click

from greycard.cli import options


@click.command()
@click.argument("folder", metavar="DIR")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed, other pictures.")
@options.debug
def sample(folder: str, seed: int, debug: bool) -> None:
    """Render a few hundred labelled pictures into DIR, as train/ and validation/ class folders, to try things on."""
    from greycard.datasets.sample import CLASSES, write_sample

    count = write_sample(Path(folder), seed=seed)
    click.echo(
        f"{count} pictures of {len(CLASSES)} classes ({', '.join(CLASSES)}) in {folder}; now: greycard train {folder}"
    )
