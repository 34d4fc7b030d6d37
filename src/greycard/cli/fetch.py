"""`greycard fetch`."""

from __future__ import annotations

import click

from greycard.cli import options


@click.command()
@click.argument("datasets", nargs=-1, metavar="DATASET...")
@options.data_dir
@options.quiet
@options.debug
def fetch(datasets: tuple[str, ...], data_dir: str | None, quiet: bool, debug: bool) -> None:
    """Download datasets, verify and unpack them; without a name, list what there is.

    A download that broke off goes on where it stopped. Nothing else in Greycard downloads datasets.
    """
    from greycard.datasets.fetch import fetch as fetch_dataset
    from greycard.locations import data_dir as data_folder
    from greycard.reports.progress import display

    if not datasets:
        click.echo(_listing(data_dir))
        return
    for name in datasets:
        with display(quiet) as shown:
            fetched = fetch_dataset(name, data_dir, progress=shown.downloading)
        click.echo(f"{name}: {'fetched and verified' if fetched else 'already there'}, in {data_folder(data_dir)}")


def _listing(data_dir: str | None) -> str:
    from greycard.datasets.catalog import CATALOG
    from greycard.datasets.load import is_here

    lines = []
    for entry in CATALOG:
        here = "here" if is_here(entry.name, data_dir) else "missing"
        size = sum(item.size or 0 for item in entry.downloads) / 1e6
        how = (
            f"{size:,.0f} MB"
            if size
            else "comes along"
            if entry.kind == "embedded"
            else entry.by_hand or "size not published"
        )
        lines.append(f"{entry.name:<24}{here:<9}{how:<20}{entry.title}; {entry.licence}")
    return "\n".join(lines)
