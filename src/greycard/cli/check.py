"""`greycard check`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from greycard.cli import options


@click.command()
@click.argument("data", metavar="FOLDER|DATASET")
@click.option("--strict", is_flag=True, help="Exit with 1 on leakage, unreadable files, or errors that stop training.")
@options.text_or_json
@click.option(
    "--weights",
    metavar="PATH|imagenet",
    help="Look for label errors with a pretrained network's features instead of the pixels.",
)
@options.data_dir
@options.out
@options.quiet
@options.debug
def check(
    data: str,
    strict: bool,
    form: str,
    weights: str | None,
    data_dir: str | None,
    out: str,
    quiet: bool,
    debug: bool,
) -> int:
    """Find problems in the images of a FOLDER or DATASET.

    \b
    greycard check pets
    greycard check pets --strict --format json

    It reports errors that stop training; unreadable files; wrong file extensions, unusual modes and sizes; duplicates
    and near-duplicates, also across training and validation or with two labels; class imbalance, distribution shift,
    near-empty images and likely label errors. It writes a contact sheet to --out and changes nothing else.
    """
    from greycard.api import check as checked
    from greycard.core.output_files import expect_output
    from greycard.datasets.open import survey_dataset
    from greycard.models.weights import expect_weights
    from greycard.reports.contact_sheet import write_sheet
    from greycard.reports.findings import findings_sheet, report_text

    expect_weights(weights)
    found = survey_dataset(data, data_dir)
    for note in found.dataset.notes:
        click.echo(f"note: {note}", err=True)
    place = Path(out).expanduser() / f"{found.dataset.name}-check.png"
    expect_output(place, example="check.png", derived=True)
    report, thumbnails = checked(found, weights=weights, quiet=quiet)
    click.echo(json.dumps(report.to_json(), indent=2) if form == "json" else report_text(report))
    sheet = findings_sheet(report, thumbnails)
    if sheet is not None:
        write_sheet(sheet, place)
        click.echo(f"{place} shows them", err=True)
    return 1 if strict and report.fails_strict else 0
