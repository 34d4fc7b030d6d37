"""`greycard find-lr`."""

from __future__ import annotations

from pathlib import Path

import click

from greycard.cli import options


@click.command("find-lr")
@click.argument("what", metavar="FOLDER|PROJECT|FILE")
@options.data_dir
@options.settings
@options.weights
@options.out
@options.quiet
@options.debug
def find_lr(
    what: str,
    data_dir: str | None,
    settings: tuple[str, ...],
    weights: str | None,
    out: str,
    quiet: bool,
    debug: bool,
) -> None:
    """Suggest a learning rate for a FOLDER, PROJECT or recipe FILE.

    \b
    greycard find-lr pets
    greycard find-lr mnist-cnn --set optimizer=sgd --set momentum=0.9

    It trains for at most 140 steps while the learning rate rises from 0.000001 to 10, and stops when the loss explodes.
    It prints the rate at which the loss has fallen half-way, and writes a plot of the loss to --out. It makes no run.
    """
    from greycard.api import find_lr as found_for
    from greycard.core.output_files import expect_output, write_output
    from greycard.recipe.settings import parse_settings
    from greycard.reports.drawing import as_png

    place = Path(out).expanduser() / f"{Path(what).stem}-lr.png"
    expect_output(place, example="lr.png", derived=True)
    found = found_for(what, data_dir=data_dir, weights=weights, quiet=quiet, **parse_settings(settings))
    if found.suggested is not None:
        click.echo(f"learning_rate={found.suggested:g}")
    click.echo(found.sentence, err=True)
    write_output(place, as_png(found.figure()))
    click.echo(f"{place} shows the loss at each learning rate", err=True)
