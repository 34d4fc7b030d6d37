"""`greycard fetch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from greycard.cli import options
from greycard.cli.listing import Row, listing

if TYPE_CHECKING:
    from pathlib import Path

    from greycard.core.reporter import Reporter
    from greycard.datasets.catalog import Entry


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@options.data_dir
@options.quiet
@options.debug
def fetch(names: tuple[str, ...], data_dir: str | None, quiet: bool, debug: bool) -> None:
    """Download datasets and runtimes by name, or list them.

    \b
    greycard fetch
    greycard fetch horse-or-human
    greycard fetch mnist fashion-mnist --data-dir data
    greycard fetch litert-web

    It verifies and unpacks datasets. An interrupted download continues where it stopped. No other command downloads
    datasets. `litert-web` is LiteRT.js, which `greycard export --format html` puts into its page; it has its own
    folder.
    """
    from greycard.reports.progress import terminal_reporter

    if not names:
        click.echo(_listing(data_dir))
        return
    for name in names:
        with terminal_reporter(quiet) as shown:
            fetched, folder = _fetch(name, data_dir, shown)
        click.echo(f"{name}: {'fetched and verified' if fetched else 'already present'}, in {folder}")


def _fetch(name: str, data_dir: str | None, shown: Reporter) -> tuple[bool, Path]:
    """Whether a dataset or the runtime was downloaded, and its folder."""
    from greycard.core.paths import data_dir as data_folder
    from greycard.datasets.fetch import fetch as fetch_dataset
    from greycard.deploy.export import web_runtime

    if name == web_runtime.NAME:
        return web_runtime.fetch_runtime(shown.downloading(web_runtime.NAME)), web_runtime.runtime_file().parent
    return fetch_dataset(name, data_dir, progress=shown.downloading), data_folder(data_dir)


def _listing(data_dir: str | None) -> str:
    """One line for each dataset and for the runtime, then the datasets that the user must download by hand."""
    from greycard.core.paths import data_dir as data_folder
    from greycard.datasets.catalog import CATALOG
    from greycard.datasets.load import is_here

    rows = [*(_row(entry, is_here(entry.name, data_dir)) for entry in CATALOG), _runtime_row()]
    place = f"`greycard fetch NAME` downloads one; datasets go to {data_folder(data_dir)}"
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


def _runtime_row() -> Row:
    from greycard.deploy.export import web_runtime

    return {
        "dataset": web_runtime.NAME,
        "data": "here" if web_runtime.runtime_file().is_file() else "missing",
        "download": f"{(web_runtime.PACKAGE.size or 0) / 1e6:,.0f} MB",
        "what it is": web_runtime.TITLE,
        "licence": web_runtime.LICENCE,
    }


def _size(entry: Entry) -> str:
    if entry.by_hand:
        return "manual"
    if entry.kind == "embedded":
        return "not needed"
    size = sum(item.size or 0 for item in entry.downloads) / 1e6
    return f"{size:,.0f} MB" if size else "unknown size"
