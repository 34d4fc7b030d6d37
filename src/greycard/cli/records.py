"""`greycard records`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from greycard.cli import options
from greycard.cli.listing import Row, listing
from greycard.core.errors import command

if TYPE_CHECKING:
    from greycard.projects.record import Measured, Record

_HIDDEN_FIRST = ("what it does", "longest", "seeds", "architecture")
_NONE = "no record has been measured yet; `greycard projects` lists the projects"


@click.command()
@options.text_or_json
@options.debug
def records(form: str, debug: bool) -> None:
    """List the best recipes for each dataset in 1, 10 and 60 minutes.

    \b
    greycard records
    greycard records --format json
    greycard run digits-1-minute  # trains a record

    The minutes are those of two CPU cores, from the first file to the saved model, without a cache. The accuracy is on
    images that no choice has seen, with its 95 % interval.
    """
    from greycard.projects.records import records as found

    if form == "json":
        click.echo(json.dumps([_as_json(*pair) for pair in found()], indent=2))
    elif found():
        click.echo(listing([_row(*pair) for pair in found()], _HIDDEN_FIRST))
    else:
        click.echo(_NONE, err=True)


def _as_json(one: Record, its: Measured) -> dict[str, object]:
    facts = {"dataset": one.recipe.data.dataset, "minutes": one.minutes, "command": command("run", one.name)}
    return facts | {"gain": one.gain, **asdict(its)}


def _row(one: Record, its: Measured) -> Row:
    from greycard.reports.columns import percent, seconds, span

    return {
        "dataset": one.recipe.data.dataset,
        "minutes": str(one.minutes),
        "accuracy": percent(its.accuracy),
        "95 % interval": span(its.low, its.high),
        "seeds": str(its.seeds),
        "longest": seconds(its.seconds),
        "architecture": one.recipe.architecture,
        "what it does": one.gain,
        "command": command("run", one.name),
    }
