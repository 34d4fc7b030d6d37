"""`greycard table`."""

from __future__ import annotations

import click

from greycard.cli import options
from greycard.cli.output import print_table, run_path
from greycard.core.errors import command

FORMATS = ("text", "md", "csv", "json", "html")


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS, case_sensitive=False),
    default="text",
    show_default=True,
    help="Output format.",
)
@click.option("--sort", metavar="COLUMN", help="Sort by a key of --format json, such as val_accuracy; largest first.")
@options.out
@options.debug
def table(runs: tuple[str, ...], form: str, sort: str | None, out: str, debug: bool) -> None:
    """Print runs as a table, next to the published results.

    \b
    greycard table  # all runs in --out
    greycard table pets-1 pets-2
    greycard table --sort val_accuracy --format md
    greycard table /school/class-7  # the runs of many people, by name

    A folder instead of a RUN stands for the runs in it and in its subfolders. Their names are those of --name, or of
    the subfolders.
    """
    from greycard.api import runs_table

    found = runs_table([run_path(run, out) for run in runs] if runs else None, out=out)
    if not found.rows and form == "text":
        elsewhere = () if out == "runs" else ("--out", out)
        click.echo(f"there are no runs in {out}; `{command('run', 'digits-cnn', *elsewhere)}` creates one", err=True)
        return
    print_table(found.sorted_by(sort) if sort else found, form)
