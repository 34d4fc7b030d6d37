"""`greycard report`."""

from __future__ import annotations

from pathlib import Path

import click

from greycard.cli import options
from greycard.cli.output import run_path
from greycard.core.errors import GreycardError
from greycard.core.output_files import expect_output, write_output


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "-o", "--output", type=options.LOCAL, metavar="FILE", help="Output file.  [default: report.html in the first RUN]"
)
@click.option("--map", "mapped", is_flag=True, help="Make a map of the validation images; later reports have it, too.")
@click.option("--data", metavar="PATH", help="For --map: the images, if they are no longer where the RUN found them.")
@options.data_dir
@options.out
@options.quiet
@options.debug
def report(
    runs: tuple[str, ...],
    output: str | None,
    mapped: bool,
    data: str | None,
    data_dir: str | None,
    out: str,
    quiet: bool,
    debug: bool,
) -> None:
    """Write an HTML report about one RUN, several, or a sweep.

    \b
    greycard report pets-1
    greycard report pets-1 --map
    greycard report pets-1 pets-2 -o compared.html
    greycard report digits-cnn-sweep

    It shows learning curves, diagnosis, confusion matrix, calibration, the worst mistakes as images, timing and the
    recipe. The report is a single file and needs no network.
    """
    from greycard.api import open_run
    from greycard.reports.page import report_page
    from greycard.runs.sweep import is_sweep

    if len(runs) == 1 and is_sweep(run_path(runs[0], out)):
        _report_sweep(run_path(runs[0], out), output)
        return
    opened = [open_run(run_path(run, out)) for run in runs]
    place = Path(output).expanduser() if output else opened[0].path / "report.html"
    expect_output(place, example="report.html")
    if (data or data_dir) and not mapped:
        raise GreycardError("--data and --data-dir are for a new map", hint="add --map, or leave them out")
    if mapped:
        for run in opened:
            run.map(data=data, data_dir=data_dir, quiet=quiet)
    write_output(place, report_page(opened))
    click.echo(place, err=not place.is_file())  # the report itself may go to stdout


def _report_sweep(path: Path, output: str | None) -> None:
    from greycard.reports.sweep_page import sweep_page
    from greycard.runs.sweep import SweepRecord

    place = Path(output).expanduser() if output else path / "report.html"
    expect_output(place, example="report.html")
    write_output(place, sweep_page(SweepRecord(path)))
    click.echo(place, err=not place.is_file())
