"""`greycard embed`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from greycard.cli import options
from greycard.cli.output import run_or_name
from greycard.cli.parts import Parts, parts_options
from greycard.core.errors import GreycardError
from greycard.evaluation.projections import LEAST_IMAGES, PCA, expect_enough

if TYPE_CHECKING:
    from greycard.jobs.embed import EmbeddedImages

_NAMED = 20


@click.command()
@click.argument("model", metavar="RUN|BACKBONE")
@click.argument("data", metavar="FOLDER|DATASET|LIST")
@click.option("-o", "--output", type=options.LOCAL, metavar="FILE", help="Output file: .parquet, .npz or .csv.")
@click.option("--map", "page", type=options.LOCAL, metavar="FILE", help="Also draw a map of the images: an HTML file.")
@click.option(
    "--projection",
    type=click.Choice(tuple(LEAST_IMAGES), case_sensitive=False),
    help="Of the map: principal components, or t-SNE, which keeps neighbours together.  [default: pca]",
)
@parts_options
@options.weights
@options.data_dir
@options.out
@options.quiet
@options.debug
def embed(
    model: str,
    data: str,
    output: str | None,
    page: str | None,
    projection: str | None,
    weights: str | None,
    data_dir: str | None,
    out: str,
    quiet: bool,
    parts: Parts,
    debug: bool,
) -> int:
    """Write the feature vector of each image in a FOLDER or DATASET.

    \b
    greycard embed pets-1 pets -o pets.parquet
    greycard embed EfficientNetLite0 photos -o photos.npz --map photos.html
    greycard embed pets-1 s3://photos/new --answers s3://vectors --on cluster

    The network is a RUN's, or a pretrained BACKBONE by its name. FOLDER may also have images without labels. The file
    has the columns id, path, label and embedding, and states the network and its weights. With --answers many images
    become a file for each shard, without labels; LIST is a .txt or .parquet file of their names, or - for stdin. It
    exits with 1 if an image could not be read.
    """
    if parts.wanted:
        if output or data_dir:
            raise GreycardError("--answers writes Parquet files, without -o and --data-dir", hint="choose one")
        return _in_shards(run_or_name(model, out), weights, data, parts, page, projection or PCA, quiet)
    if output is None:
        raise GreycardError("vectors need a file or a folder", hint="-o emb.parquet, or --answers DIR for many images")
    named, place = run_or_name(model, out), Path(output).expanduser()
    others = {"weights": weights, "data_dir": data_dir, "quiet": quiet}
    return _in_a_file(named, data, place, page, projection or PCA, **others)


def _in_a_file(model: Path | str, data: str, place: Path, page: str | None, projection: str, **others: Any) -> int:
    """Write one file, and a map if `page` names one; `others` are arguments of `embed`. Returns the exit code."""
    from greycard.jobs.embed import embed as embedded
    from greycard.jobs.embedding_map import expect_mappable

    if page:
        expect_mappable(place)
    drawn = _checked(page)
    expect_images = partial(expect_enough, projection.lower() if drawn else PCA)
    found = embedded(model, data, place, expect_images=expect_images, **others)
    _tell(found)
    if drawn:
        _write_map(found.place, data, drawn, projection)
    return 1 if found.left_out else 0


def _in_shards(
    model: Path | str, weights: str | None, data: str, parts: Parts, page: str | None, projection: str, quiet: bool
) -> int:
    """Write a folder of parts, and a map if `page` names one. Returns the exit code."""
    from greycard.api import embed_shards

    if page and parts.share:
        raise GreycardError(
            "--map needs the vectors of all shares", hint="the same command with --map and without --share draws it"
        )
    drawn = _checked(page)
    code = parts.compute(partial(embed_shards, model, weights=weights), [data], quiet=quiet)
    if drawn:
        _write_map(parts.answers or "", data, drawn, projection)
    return code


def _checked(page: str | None) -> Path | None:
    """The file of a map; GreycardError if it cannot be written."""
    from greycard.core.output_files import expect_output

    drawn = Path(page).expanduser() if page else None
    if drawn:
        expect_output(drawn, example="map.html")
    return drawn


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


def _write_map(vectors: Path | str, data: str, page: Path, projection: str) -> None:
    from greycard.core.output_files import write_output
    from greycard.embeddings.stored import find_stored
    from greycard.jobs.embedding_map import embedding_map

    title = "Map of the images" if data == "-" else f"Map of {Path(data).name or data}"
    stored = find_stored(vectors)
    assert stored is not None  # it was written
    write_output(page, embedding_map(stored, title, projection.lower()))
    click.echo(page)
