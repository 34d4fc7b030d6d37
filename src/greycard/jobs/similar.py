"""Find the images that are nearest to given ones, in a folder of images or in stored feature vectors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from greycard.core.errors import GreycardError, command
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset, LeftOut
from greycard.datasets.every_image import EveryImage, every_image
from greycard.datasets.source import Source
from greycard.deploy.sources import ImageLike, name_of
from greycard.embeddings.csv_table import is_csv_of_vectors
from greycard.embeddings.nearest import Neighbour, nearest
from greycard.embeddings.stored import find_stored
from greycard.embeddings.table import Rows, Stored
from greycard.jobs.embed import embedded_rows, expect_some

if TYPE_CHECKING:
    from greycard.embeddings.embedder import Embedder


@dataclass(frozen=True)
class Similar:
    """The images that are nearest to one image.

    Attributes:
        query: the file of the image, or `image N` if it has no name.
        neighbours: the most similar first.
    """

    query: str
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Found:
    """The result for all images.

    Attributes:
        similar: for each image.
        left_out: searched images that have no vector, each with the reason.
    """

    similar: tuple[Similar, ...]
    left_out: tuple[LeftOut, ...]


def find_similar(
    make_embedder: Callable[[], Embedder],
    model: str | Path,
    images: Sequence[ImageLike],
    where: Dataset | Source | str | Path,
    count: int,
    *,
    data_dir: str | Path | None = None,
    reporter: Reporter,
) -> Found:
    """Compare the images with all in a folder, by the cosine similarity of their feature vectors.

    Args:
        make_embedder: loads the network; called after the images were found.
        model: the network as a command names it: a run's folder, or the name of a pretrained network.
        images: at least one; a file among those searched is not compared with itself.
        where: as `data` for `embed`; or the file, or the folder of parts, that `embed` wrote with the same network.
            That folder may also be in remote storage.
        count: neighbours of each image.
        data_dir: as for `embed`.
        reporter: shows progress.

    Raises:
        GreycardError: as for `embed`; or an image cannot be read, or the vectors are of another network.
    """
    expect_readable(images)
    stored = _find_stored(where, model) if isinstance(where, str | Path) else None
    found = None if stored else every_image(where, data_dir)
    embedder = make_embedder()
    left_out = list(found.left_out) if found else []
    rows = _stored(stored, embedder, model) if stored else _computed(embedder, found, left_out, reporter)
    paths = [os.path.abspath(os.path.expanduser(name)) if (name := name_of(image, "")) else None for image in images]
    names = [name_of(image, f"image {number}") for number, image in enumerate(images)]
    every = nearest(query_vectors(embedder, images), paths, rows, count)
    similar = tuple(Similar(name, tuple(each)) for name, each in zip(names, every, strict=True))
    return Found(similar, tuple(left_out))


def query_vectors(embedder: Embedder, images: Sequence[ImageLike]) -> np.ndarray:
    """The vectors of all images, float32 (n, features); GreycardError if one of them has none."""
    from greycard.embeddings.compute import embed_images

    parts = list(embed_images(embedder, images))
    for row, why in (error for part in parts for error in part.errors):
        name = name_of(images[row], f"image {row}")
        raise GreycardError(f"{name} cannot be used: {why}", hint="check that another program can open it")
    none = np.empty((0, embedder.network.features), np.float32)
    return np.concatenate([none, *(part.vectors for part in parts)])


def expect_readable(images: Sequence[ImageLike]) -> None:
    """Raise a GreycardError for a path that is no file, before anything that takes time."""
    for image in images:
        path = Path(image) if isinstance(image, str | Path) else None
        if path is not None and not path.expanduser().exists():
            raise GreycardError(f"{path} does not exist; expected an image", hint="check the path")
        if path is not None and path.expanduser().is_dir():
            raise GreycardError(
                f"{path} is a folder; expected an image", hint=f"name images in it, such as {path}/*.jpg"
            )


def _find_stored(where: str | Path, model: str | Path) -> Stored | None:
    """The vectors at a path or an address, if there are any; GreycardError if they are in a CSV file."""
    place = Path(where)
    if is_csv_of_vectors(place):
        raise GreycardError(
            f"{place} has vectors for other programs; Greycard does not read vectors in CSV files",
            hint=f"`{command('embed', model, 'FOLDER', '-o', place.with_suffix('.npz'))}`",
        )
    return find_stored(where)


def _stored(stored: Stored, embedder: Embedder, model: str | Path) -> Iterator[Rows]:
    embedder.network.expect_same(stored.about.network, stored.address, stored.again(model))
    return stored.rows()


def _computed(
    embedder: Embedder, found: EveryImage | None, left_out: list[LeftOut], reporter: Reporter
) -> Iterator[Rows]:
    assert found is not None
    count = 0
    for rows in embedded_rows(embedder, found, left_out, reporter):
        count += len(rows.ids)
        yield rows
    expect_some(count, found, left_out)
