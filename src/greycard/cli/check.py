"""`greycard check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from greycard.cli import options

if TYPE_CHECKING:
    from greycard.audit.thumbnails import Thumbnails
    from greycard.core.reporter import Reporter
    from greycard.datasets.survey import Survey


@click.command()
@click.argument("data", metavar="FOLDER|DATASET")
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
    """Find problems in the images of a FOLDER or DATASET.

    \b
    greycard check pets
    greycard check pets --strict --format json
    greycard check pets --on processes:4  # reads and decodes the images there

    It reports errors that stop training; unreadable files; wrong file extensions, unusual modes and sizes; duplicates
    and near-duplicates, also across training and validation or with two labels; class imbalance, distribution shift,
    near-empty images and likely label errors. It writes a contact sheet to --out and changes nothing else.
    """
    from greycard.core.output_files import expect_output
    from greycard.jobs.check import check_dataset
    from greycard.models.weights import expect_weights
    from greycard.reports.contact_sheet import write_sheet
    from greycard.reports.findings import findings_sheet, report_text
    from greycard.reports.progress import terminal_reporter

    expect_weights(weights)
    with terminal_reporter(quiet) as shown:
        found, known = _survey(data, data_dir, Path(out).expanduser(), where, shown)
        for note in found.dataset.notes:
            click.echo(f"note: {note}", err=True)
        place = Path(out).expanduser() / f"{found.dataset.name}-check.png"
        expect_output(place, example="check.png", derived=True)
        report, thumbnails = check_dataset(found, weights=weights, reporter=shown, thumbnails=known)
    click.echo(json.dumps(report.to_json(), indent=2) if form == "json" else report_text(report))
    sheet = findings_sheet(report, thumbnails)
    if sheet is not None:
        write_sheet(sheet, place)
        click.echo(f"{place} shows them", err=True)
    return 1 if strict and report.fails_strict else 0


def _survey(
    data: str, data_dir: str | None, out: Path, where: str, reporter: Reporter
) -> tuple[Survey, Thumbnails | None]:
    """The images, and their thumbnails if they were read elsewhere."""
    if where == "here":
        from greycard.datasets.open import survey_dataset

        return survey_dataset(data, data_dir), None
    from greycard.cluster.check import SHARD, survey_shards
    from greycard.cluster.compute import Places
    from greycard.cluster.where import parse_where

    parts = out / f"{Path(data).absolute().name}-check-parts"
    return survey_shards(data, data_dir, parts, reporter, Places(parse_where(where), SHARD))
