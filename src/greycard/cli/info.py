"""`greycard info`."""

from __future__ import annotations

import click

from greycard.cli import options


@click.command()
@options.data_dir
@options.debug
def info(data_dir: str | None, debug: bool) -> None:
    """Say which versions, device and folders are in use."""
    from greycard import backend
    from greycard.locations import data_dir as data_folder
    from greycard.locations import weights_dir
    from greycard.runs.environment import environment

    backend.configure()
    facts = environment(backend.describe())
    del facts["started"]
    facts |= {"data folder": str(data_folder(data_dir)), "weights folder": str(weights_dir())}
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' '):<16} {value}")
