"""`greycard export`."""

from __future__ import annotations

import click

from greycard.cli import options
from greycard.cli.output import run_path

FORMATS = ("keras", "saved-model", "litert", "litert-int8", "onnx")


@click.command()
@click.argument("run", metavar="RUN")
@click.option(
    "--format", "form", type=click.Choice(FORMATS, case_sensitive=False), required=True, help="What to write."
)
@click.option("-o", "--output", metavar="PATH", help="Where to write it.  [default: RUN/export/]")
@click.option(
    "--data",
    metavar="PATH",
    help="The folder or label file it was trained on.  [default: where it was, or by its name, here or in --data-dir]",
)
@options.data_dir
@options.out
@options.quiet
@options.debug
def export(
    run: str, form: str, output: str | None, data: str | None, data_dir: str | None, out: str, quiet: bool, debug: bool
) -> None:
    """Write a RUN's model as a file for use elsewhere.

    \b
    greycard export pets-1 --format litert
    greycard export pets-1 --format onnx -o pets.onnx

    Pixels go in, calibrated probabilities of its classes come out. The file is run on the run's own validation images
    next to the original. Where a probability differs by more than 0.001, or for litert-int8 the accuracy falls below
    its 95 % interval, it is refused. The figures are kept beside it as JSON either way.
    """
    from greycard.api import open_run

    opened = open_run(run_path(run, out))
    done = opened.export(form, output, data=data, data_dir=data_dir, quiet=quiet)
    parity = done.parity
    click.echo(
        f"{parity.images:,} validation images: {parity.same_answers:,} answered alike, largest difference of a"
        f" probability {parity.largest_difference:.2g}, accuracy {parity.accuracy:.2%}"
        f" (original {parity.original_accuracy:.2%})",
        err=True,
    )
    click.echo(f"{done.path}\t{done.bytes / 1e6:.1f} MB")
