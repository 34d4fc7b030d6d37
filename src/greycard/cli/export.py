"""`greycard export`."""

from __future__ import annotations

import click

from greycard.cli import options
from greycard.cli.answers import refuse_option
from greycard.cli.output import run_path
from greycard.deploy.export.formats import NAMES


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--format", "form", type=click.Choice(NAMES, case_sensitive=False), required=True, help="File format.")
@click.option("-o", "--output", type=options.LOCAL, metavar="PATH", help="Output path.  [default: RUN/export/]")
@click.option(
    "--data",
    metavar="PATH",
    help="The folder or label file it was trained on.  [default: its old path, or its name here or in --data-dir]",
)
@options.data_dir
@refuse_option
@options.out
@options.quiet
@options.debug
def export(
    run: str,
    form: str,
    output: str | None,
    data: str | None,
    data_dir: str | None,
    refuse: str,
    out: str,
    quiet: bool,
    debug: bool,
) -> None:
    """Export a RUN's model to a file for other programs.

    \b
    greycard export pets-1 --format litert
    greycard export pets-1 --format onnx -o pets.onnx
    greycard export pets-1 --format html

    The exported model takes pixels and returns calibrated class probabilities. Greycard runs it on the run's validation
    images and compares it with the original. It rejects the export if a probability differs by more than 0.001, or, for
    litert-int8, if the accuracy falls below the original's 95 % interval. A number may differ by 0.001 standard
    deviations of the training numbers. The comparison is saved as JSON in each case.
    `html` is one page with model, camera and heat map that opens by a double click, without a server or a network; it
    is run in Chromium, Chrome or Edge, if one is installed.
    """
    from greycard.api import open_run

    opened = open_run(run_path(run, out))
    done = opened.export(form, output, data=data, data_dir=data_dir, refuse=refuse, quiet=quiet)
    click.echo(done.parity.line, err=True)
    if done.not_checked:
        click.echo(f"note: {done.not_checked}", err=True)
    click.echo(f"{done.path}\t{done.bytes / 1e6:.1f} MB")
