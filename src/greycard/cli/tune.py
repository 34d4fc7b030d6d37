"""`greycard tune`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from greycard.cli import options
from greycard.cli.listing import Row, listing

if TYPE_CHECKING:
    from greycard.backend.choices import Measured
    from greycard.jobs.tune import Tuned


@click.command()
@click.argument("what", metavar="[PROJECT|FILE]", required=False)
@options.quiet
@options.debug
def tune(what: str | None, quiet: bool, debug: bool) -> None:
    """Measure how this machine trains fastest.

    \b
    greycard tune                   # some minutes: networks of all kinds
    greycard tune cats-dogs-3k-cnn  # one project's network

    Each operation of a training step can be computed in several ways, with the same result up to rounding. It prints
    the milliseconds of each way, and the one that later runs use: the first, unless another takes 5 % less. Then it
    prints the images per second of whole steps in each precision; without a PROJECT, these also decide in which
    precision each family of models is trained. Close other programs first.
    """
    from greycard.jobs.tune import tune as measured

    found = measured(what, quiet=quiet)
    if found.measured:
        click.echo(listing([_operation(one) for one in found.measured]) + "\n")
    click.echo(listing(_speeds(found)))
    click.echo(f"kept in {found.file}", err=True)


def _operation(one: Measured) -> Row:
    shape, ways = one.shape, list(one.milliseconds)
    return {
        "operation": shape.operation,
        "pixels": str(shape.pixels),
        "channels": f"{shape.channels} to {shape.filters}",
        "precision": shape.dtype,
        "milliseconds": ", ".join(f"{way} {spent:.2f}" for way, spent in one.milliseconds.items()),
        "chosen": one.fastest(ways),
    }


def _speeds(found: Tuned) -> list[Row]:
    return [
        {"project": project, "precision": precision, "images per second": f"{speed:,.0f}"}
        for project, speeds in found.speeds.items()
        for precision, speed in speeds.items()
    ]
