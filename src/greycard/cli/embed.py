"""`greycard embed`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from greycard.cli import options
from greycard.cli.output import run_or_name
from greycard.evaluation.projections import LEAST_IMAGES, PCA, expect_enough

if TYPE_CHECKING:
    from greycard.jobs.embed import EmbeddedImages

_NAMED = 20


@click.command()
@click.argument("model", metavar="RUN|BACKBONE")
@click.argument("data", metavar="FOLDER|DATASET")
@click.option("-o", "--output", required=True, metavar="FILE", help="Output file: .parquet, .npz or .csv.")
@click.option("--map", "page", metavar="FILE", help="Also draw a map of the images: an HTML file.")
@click.option(
    "--projection",
    type=click.Choice(tuple(LEAST_IMAGES), case_sensitive=False),
    default=PCA,
    show_default=True,
    help="Of the map: principal components, or t-SNE, which keeps neighbours together.",
)
@options.weights
@options.data_dir
@options.out
@options.quiet
@options.debug
def embed(
    model: str,
    data: str,
    output: str,
    page: str | None,
    projection: str,
    weights: str | None,
    data_dir: str | None,
    out: str,
    quiet: bool,
    debug: bool,
) -> int:
    """Write the feature vector of each image in a FOLDER or DATASET.

    \b
    greycard embed pets-1 pets -o pets.parquet
    greycard embed EfficientNetLite0 photos -o photos.npz --map photos.html

    The network is a RUN's, or a pretrained BACKBONE by its name. FOLDER may also have images without labels. The file
    has the columns id, path, label and embedding, and states the network and its weights. It exits with 1 if an image
    could not be read.
    """
    from greycard.core.output_files import expect_output
    from greycard.jobs.embed import embed as embedded
    from greycard.jobs.embedding_map import expect_mappable

    place, drawn = Path(output).expanduser(), Path(page).expanduser() if page else None
    if drawn:
        expect_mappable(place)
        expect_output(drawn, example="map.html")
    found = embedded(
        run_or_name(model, out),
        data,
        place,
        weights=weights,
        data_dir=data_dir,
        quiet=quiet,
        expect_images=partial(expect_enough, projection.lower() if drawn else PCA),
    )
    _tell(found)
    if drawn:
        _write_map(found, data, drawn, projection)
    return 1 if found.left_out else 0


def _tell(found: EmbeddedImages) -> None:
    for item in found.left_out[:_NAMED]:
        click.echo(f"error: {item.id}: {item.reason}", err=True)
    if found.left_out:
        more = len(found.left_out) - _NAMED
        named = f", of which {more:,} are not named here" if more > 0 else ""
        images = "image" if len(found.left_out) == 1 else "images"
        click.echo(f"{len(found.left_out):,} {images} could not be read{named}", err=True)
    click.echo(f"{found.images:,} vectors of {found.network}", err=True)
    click.echo(found.place)


def _write_map(found: EmbeddedImages, data: str, page: Path, projection: str) -> None:
    from greycard.core.output_files import write_output
    from greycard.embeddings.files import open_embeddings
    from greycard.jobs.embedding_map import embedding_map

    title = f"Map of {Path(data).name or data}"
    write_output(page, embedding_map(open_embeddings(found.place), title, projection.lower()))
    click.echo(page)
