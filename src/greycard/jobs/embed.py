"""Write the feature vector of each image of a folder or dataset to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from greycard.core.errors import GreycardError
from greycard.core.paths import as_path
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset, LeftOut
from greycard.datasets.every_image import EveryImage, every_image
from greycard.datasets.source import Source
from greycard.embeddings.files import PARQUET, expect_embedding_output, writing
from greycard.embeddings.network import Network
from greycard.embeddings.table import About, Rows
from greycard.jobs.network import embedder_of
from greycard.runs.record import RunRecord

if TYPE_CHECKING:
    from greycard.embeddings.embedder import Embedder


@dataclass(frozen=True)
class EmbeddedImages:
    """The result.

    Attributes:
        place: the file of vectors.
        network: that computed them.
        images: number of images that have a vector.
        left_out: the other images, each with the reason.
    """

    place: Path
    network: Network
    images: int
    left_out: tuple[LeftOut, ...]


def embed(
    model: str | Path | RunRecord,
    data: Dataset | Source | str | Path,
    place: str | Path,
    *,
    weights: str | Path | None = None,
    data_dir: str | Path | None = None,
    quiet: bool = False,
    expect_images: Callable[[int], None] = lambda images: None,
) -> EmbeddedImages:
    """Compute the vectors, and write them some at a time: memory does not grow with the number of images.

    Args:
        model: a run or its folder, or the name of a pretrained network.
        data: anything that `open_dataset` takes, or a folder of images without labels.
        place: the file to write: `.parquet`, `.npz` or `.csv`.
        weights: of a pretrained network: a file, a folder, or `imagenet`; None for those that are here.
        data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.
        quiet: True to print nothing.
        expect_images: raises a GreycardError if these are too few images for what is done with the vectors.

    Raises:
        GreycardError: the network or the data cannot be opened, no image can be read, or the file cannot be written.
    """
    from greycard.reports.progress import terminal_reporter

    target = as_path(place, "the file of vectors")
    expect_embedding_output(target)
    _expect_outside(target, data)
    found = every_image(data, data_dir)
    expect_images(len(found))
    left_out, count = list(found.left_out), 0
    with terminal_reporter(quiet) as shown:
        embedder = embedder_of(model, weights, shown)
        about = About(embedder.network, version("greycard"), found.labels is not None)
        with writing(target, about) as writer:
            for rows in embedded_rows(embedder, found, left_out, shown):
                writer.write(rows)
                count += len(rows.ids)
            expect_some(count, found, left_out)
    return EmbeddedImages(target, embedder.network, count, tuple(left_out))


def _expect_outside(target: Path, data: object) -> None:
    """A folder with Parquet files is read as a Parquet data set, so a file of vectors must not lie among the images."""
    folder = Path(data).resolve() if isinstance(data, str | Path) else None
    if target.suffix.lower() == PARQUET and folder is not None and target.resolve().parent in (folder, folder / "data"):
        raise GreycardError(
            f"{target} would make {data} a folder of Parquet files; expected a place outside of it",
            hint=f"for example -o {folder.parent / target.name}",
        )


def embedded_rows(embedder: Embedder, found: EveryImage, left_out: list[LeftOut], reporter: Reporter) -> Iterator[Rows]:
    """Yield the vectors of images, some at a time; images without one are added to `left_out`."""
    from greycard.embeddings.compute import embed_images

    progress = reporter.progress("computing features", len(found))
    for each in embed_images(embedder, found.images):
        left_out += [LeftOut(found.ids[row], why) for row, why in each.errors]
        progress(len(each.rows) + len(each.errors))
        if len(each.rows):
            rows = each.rows.tolist()
            names = [found.ids[row] for row in rows], [found.path(row) for row in rows]
            yield Rows(*names, [found.label(row) for row in rows], each.vectors)


def expect_some(count: int, found: EveryImage, left_out: Sequence[LeftOut]) -> None:
    """Raise a GreycardError if no image has a vector."""
    if not count:
        first = left_out[0]
        raise GreycardError(
            f"none of the {len(left_out):,} images in {found.name} can be used: {first.id}: {first.reason}",
            hint="replace the damaged files, or name another folder",
        )
