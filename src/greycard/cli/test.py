"""`greycard test`."""

from __future__ import annotations

import json

import click

from greycard.cli import options
from greycard.cli.output import run_path


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("folder")
@options.text_or_json
@options.data_dir
@options.out
@options.quiet
@options.debug
def test(run: str, folder: str, form: str, data_dir: str | None, out: str, quiet: bool, debug: bool) -> None:
    """Measure a RUN's model on a FOLDER of your own test images.

    \b
    greycard test pets-1 photos
    greycard test pets-1 photos --format json

    FOLDER has one folder for each class, with the class names of the RUN; label files, archives and the other layouts
    of `greycard train` work, too. All of its images are used. It prints the accuracy with its 95 % interval, each
    class, the confusions, and a comparison with validation; it names images that were also trained on. If an image can
    have several labels, it prints the mean average precision, F1 and each label. The worst mistakes are in an HTML
    page. Each measurement is saved in the RUN's tests/ folder, so that a second one on the same
    images is reported.
    """
    from greycard.api import open_run
    from greycard.reports.measured import measurement_text
    from greycard.runs.measurements import PAGE, measurement_folder

    opened = open_run(run_path(run, out))
    found = opened.test(folder, data_dir=data_dir, quiet=quiet)
    if form == "json":
        click.echo(json.dumps(found.to_json() | found.derived(), indent=2))
    else:
        click.echo(measurement_text(opened, found))
    click.echo(f"{measurement_folder(opened, found.number) / PAGE} shows the worst mistakes", err=True)
