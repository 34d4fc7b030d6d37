"""`greycard similar`."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from greycard.cli import options
from greycard.cli.output import run_or_name

if TYPE_CHECKING:
    from greycard.embeddings.nearest import Neighbour
    from greycard.jobs.similar import Similar


@click.command()
@click.argument("model", metavar="RUN|BACKBONE")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.argument("where", metavar="FOLDER|VECTORS")
@click.option("-k", "--count", type=click.IntRange(1), default=10, show_default=True, help="Nearest images of each.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "csv", "jsonl"), case_sensitive=False),
    default="text",
    show_default=True,
    help="Output format: tab-separated text, CSV, or one JSON object per line.",
)
@click.option("--sheet", type=options.LOCAL, metavar="FILE", help="Also show the images: an HTML file.")
@options.weights
@options.data_dir
@options.out
@options.quiet
@options.debug
def similar(
    model: str,
    images: tuple[str, ...],
    where: str,
    count: int,
    form: str,
    sheet: str | None,
    weights: str | None,
    data_dir: str | None,
    out: str,
    quiet: bool,
    debug: bool,
) -> int:
    """Find the images in a FOLDER that are most similar to each IMAGE.

    \b
    greycard similar pets-1 cat.jpg pets
    greycard similar pets-1 cat.jpg dog.jpg pets.parquet -k 5 --sheet similar.html
    greycard similar pets-1 cat.jpg s3://vectors/2026

    VECTORS is what `greycard embed` wrote with the same network, a file or a folder of parts: then no other image is
    read. It prints one line for each image found: path and similarity, the cosine between the feature vectors; before
    them the IMAGE, if there are several. The last column says `same` where the network sees no difference: nearly
    always a copy. It exits with 1 if an image in FOLDER could not be read.
    """
    from greycard.core.output_files import expect_output
    from greycard.jobs.network import embedder_of
    from greycard.jobs.similar import find_similar
    from greycard.reports.progress import terminal_reporter

    page = Path(sheet).expanduser() if sheet else None
    if page:
        expect_output(page, example="similar.html")
    named = run_or_name(model, out)
    with terminal_reporter(quiet) as shown:
        load = partial(embedder_of, named, weights, shown)
        found = find_similar(load, named, images, where, count, data_dir=data_dir, reporter=shown)
    for item in found.left_out:
        click.echo(f"error: {item.id}: {item.reason}", err=True)
    {"text": _text, "csv": _csv, "jsonl": _jsonl}[form.lower()](found.similar)
    if page:
        _write_sheet(found.similar, f"By the features of {named}.", page)
    return 1 if found.left_out else 0


def _text(found: Sequence[Similar]) -> None:
    for each in found:
        query = [each.query] if len(found) > 1 else []
        for near in each.neighbours:
            same = ["same"] if near.is_same else []
            click.echo("\t".join([*query, near.path or near.id, f"{near.similarity:.4f}", *same]))


def _csv(found: Sequence[Similar]) -> None:
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(["query", "path", "id", "label", "similarity", "same"])
    for each in found:
        for near in each.neighbours:
            shown = f"{near.similarity:.6f}", "yes" if near.is_same else "no"
            lines.writerow([each.query, near.path, near.id, near.label or "", *shown])


def _jsonl(found: Sequence[Similar]) -> None:
    for each in found:
        for near in each.neighbours:
            fields = {"path": near.path, "id": near.id, "label": near.label, "similarity": near.similarity}
            click.echo(json.dumps({"query": each.query, **fields, "same": near.is_same}))


def _write_sheet(found: Sequence[Similar], lead: str, page: Path) -> None:
    from greycard.core.output_files import write_output
    from greycard.reports.similar_page import ShownImage, similar_page

    def shown(near: Neighbour) -> ShownImage:
        facts = [f"{near.similarity:.4f}", *(["same"] if near.is_same else []), *([near.label] if near.label else [])]
        return ShownImage(near.id, near.path, ", ".join(facts))

    rows = [(ShownImage(each.query, each.query, "the image"), [*map(shown, each.neighbours)]) for each in found]
    write_output(page, similar_page("Similar images", lead, rows))
    click.echo(page, err=True)
