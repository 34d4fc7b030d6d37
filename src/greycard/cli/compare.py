"""`greycard compare`."""

from __future__ import annotations

import json

import click

from greycard.cli import options
from greycard.cli.output import run_path


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...")
@options.text_or_json
@options.out
@options.debug
def compare(runs: tuple[str, ...], form: str, out: str, debug: bool) -> None:
    """Compare RUNs: which differences are significant, and where.

    \b
    greycard compare pets-1 pets-2
    greycard compare mnist-dnn-1 mnist-cnn-1 --format json

    The runs must have the same validation images. Runs that differ only in the seed count as one recipe. Two single
    runs are compared with McNemar's exact test, runs that predict a number by a paired t test of their absolute errors,
    and runs with several labels per image by mean average precision and F1, with intervals from resampled images.
    """
    from greycard.api import compare as compared
    from greycard.reports.compare import comparison_text

    found = compared(*(run_path(run, out) for run in runs))
    click.echo(json.dumps(found.to_json(), indent=2) if form == "json" else comparison_text(found))
