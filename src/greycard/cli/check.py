"""`greycard check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from greycard.cli import options
from greycard.cli.inputs import stdin_lines
from greycard.core.errors import GreycardError

if TYPE_CHECKING:
    from greycard.audit.check import Report
    from greycard.audit.list_report import ListReport
    from greycard.audit.thumbnails import Thumbnails
    from greycard.cluster.where import Where
    from greycard.core.reporter import Reporter


@click.command()
@click.argument("data", metavar="FOLDER|DATASET|LIST")
@click.option("--strict", is_flag=True, help="Exit with 1 on leakage, unreadable files, or errors that stop training.")
@options.text_or_json
@click.option(
    "--weights",
    metavar="PATH|imagenet",
    help="Look for label errors with a pretrained network's features instead of the pixels.",
)
@options.on
@options.data_dir
@options.out
@options.quiet
@options.debug
def check(
    data: str,
    strict: bool,
    form: str,
    weights: str | None,
    where: str,
    data_dir: str | None,
    out: str,
    quiet: bool,
    debug: bool,
) -> int:
    """Find problems in the images of a FOLDER, DATASET or LIST.

    \b
    greycard check pets
    greycard check pets --strict --format json
    greycard check pets --on processes:4  # reads and decodes the images there
    greycard check names.txt --on cluster
    find /data -name '*.jpg' | greycard check -

    It reports errors that stop training; unreadable files; wrong file extensions, unusual modes and sizes; duplicates
    and near-duplicates, also across training and validation or with two labels; class imbalance, distribution shift,
    near-empty images and likely label errors. It changes no image, and writes a contact sheet to --out.

    A LIST is of images without labels, and may be very long: a .txt file with one name a line, a .parquet file with a
    column `path`, - for names on stdin, or s3://bucket/folder or gs://bucket/folder for all images below. It reports
    what needs no labels, with a few images of each finding; the Parquet files in NAME-check in --out have all of them.
    """
    from greycard.cluster.where import parse_where
    from greycard.reports.contact_sheet import write_sheet
    from greycard.reports.findings import findings_sheet, report_text
    from greycard.reports.progress import terminal_reporter

    place, at = Path(out).expanduser(), parse_where(where)
    with terminal_reporter(quiet) as shown:
        report, thumbnails = _checked(data, weights, data_dir, place, at, shown)
    click.echo(json.dumps(report.to_json(), indent=2) if form == "json" else report_text(report))
    sheet = findings_sheet(report, thumbnails)
    if sheet is not None:
        write_sheet(sheet, _sheet(place, report.name))
        click.echo(f"{_sheet(place, report.name)} shows them", err=True)
    return 1 if strict and report.fails_strict else 0


def _checked(
    data: str, weights: str | None, data_dir: str | None, out: Path, where: Where, reporter: Reporter
) -> tuple[Report | ListReport, Thumbnails]:
    from greycard.cluster.check.folder import survey_images
    from greycard.cluster.check.image_list import ImageList, list_of
    from greycard.cluster.check.many import check_list, expect_no_weights
    from greycard.jobs.check import check_dataset
    from greycard.models.weights import expect_weights

    listed = ImageList("stdin", stdin_lines()) if data == "-" else list_of(data)
    if listed is not None:
        expect_no_weights(weights)
        if data_dir:
            raise GreycardError(
                "--data-dir finds datasets by name, and a list names images", hint="leave out --data-dir"
            )
        _expect_sheet(out, listed.name)
        return check_list(listed.names, listed.name, out, where, reporter)
    expect_weights(weights)
    found, known = survey_images(data, data_dir, out, where, reporter)
    for note in found.dataset.notes:
        click.echo(f"note: {note}", err=True)
    _expect_sheet(out, found.dataset.name)
    return check_dataset(found, weights=weights, reporter=reporter, thumbnails=known)


def _sheet(out: Path, name: str) -> Path:
    return out / f"{name}-check.png"


def _expect_sheet(out: Path, name: str) -> None:
    from greycard.core.output_files import expect_output

    expect_output(_sheet(out, name), example="check.png", derived=True)
