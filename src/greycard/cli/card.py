"""`greycard card`."""

from __future__ import annotations

import click

from greycard.cli import options
from greycard.cli.output import run_path


@click.command()
@click.argument("run", metavar="RUN")
@options.out
@options.debug
def card(run: str, out: str, debug: bool) -> None:
    """Print a RUN's model card in Markdown.

    \b
    greycard card pets-1
    greycard card pets-1 > CARD.md

    Data, licence, recipe, results with intervals, limits, and how to load the model.
    """
    from greycard.api import open_run

    click.echo(open_run(run_path(run, out)).card(), nl=False)
