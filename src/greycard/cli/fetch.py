"""`greycard fetch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from greycard.cli import options
from greycard.cli.listing import Row, listing

if TYPE_CHECKING:
    from greycard.datasets.catalog import Entry


@click.command()
@click.argument("datasets", nargs=-1, metavar="[DATASET]...")
@options.data_dir
@options.quiet
@options.debug
def fetch(datasets: tuple[str, ...], data_dir: str | None, quiet: bool, debug: bool) -> None:
    """Download datasets by name, or list them.

    \b
    greycard fetch
    greycard fetch horse-or-human
    greycard fetch mnist fashion-mnist --data-dir data

    It verifies and unpacks them. An interrupted download continues where it stopped. No other command downloads
    datasets.
    """
    from greycard.core.paths import data_dir as data_folder
    from greycard.datasets.fetch import fetch as fetch_dataset
    from greycard.reports.progress import terminal_reporter

    if not datasets:
        click.echo(_listing(data_dir))
        return
    for name in datasets:
        with terminal_reporter(quiet) as shown:
            fetched = fetch_dataset(name, data_dir, progress=shown.downloading)
        click.echo(f"{name}: {'fetched and verified' if fetched else 'already present'}, in {data_folder(data_dir)}")


def _listing(data_dir: str | None) -> str:
    """One line for each dataset, then the datasets that the user must download by hand."""
    from greycard.core.paths import data_dir as data_folder
    from greycard.datasets.catalog import CATALOG
    from greycard.datasets.load import is_here

    rows = [_row(entry, is_here(entry.name, data_dir)) for entry in CATALOG]
    place = f"`greycard fetch DATASET` downloads one to {data_folder(data_dir)}"
    by_hand = [f"{entry.name}: {entry.by_hand}" for entry in CATALOG if entry.by_hand]
    return "\n".join([listing(rows, ("licence", "what it is")), "", place, *by_hand])


def _row(entry: Entry, here: bool) -> Row:
    return {
        "dataset": entry.name,
        "data": "here" if here else "missing",
        "download": _size(entry),
        "what it is": entry.title,
        "licence": entry.licence,
    }


def _size(entry: Entry) -> str:
    if entry.by_hand:
        return "manual"
    if entry.kind == "embedded":
        return "not needed"
    size = sum(item.size or 0 for item in entry.downloads) / 1e6
    return f"{size:,.0f} MB" if size else "unknown size"
