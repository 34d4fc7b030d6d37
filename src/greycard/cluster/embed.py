"""Feature vectors in shards: the files of `greycard embed -o FILE.parquet`, one for each shard."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, ClassVar

from greycard.cluster.compute import Parts, Places, compute_shards
from greycard.cluster.images import ShardImages
from greycard.cluster.work import Counted
from greycard.core.errors import GreycardError
from greycard.core.paths import is_remote
from greycard.core.reporter import Reporter, Silent
from greycard.deploy.answers.parquet import expect_pyarrow
from greycard.embeddings.network import Network
from greycard.embeddings.parquet import ParquetWriter, read_errors
from greycard.embeddings.table import About, Rows
from greycard.jobs.network import embedder_of
from greycard.runs.run_args import absolute_path
from greycard.storage.folders import Folder

if TYPE_CHECKING:
    from greycard.embeddings.compute import Embedded
    from greycard.embeddings.embedder import Embedder


@dataclass(frozen=True)
class Vectors:
    """The work of computing feature vectors.

    Attributes:
        model: a run's folder, absolute, or the name of a pretrained network.
        weights: of a pretrained network.
        network: what the vectors depend on.
        folder: relative paths of images start here.
    """

    model: str
    weights: str | None
    network: Network
    folder: str
    verb: ClassVar[str] = "computing features"
    errors_are_in: ClassVar[str] = "the metadata `errors` of the parts"

    def words(self) -> list[str]:
        return [f"features by {self.network}", f"image paths that start in {self.folder}"]

    def write(self, place: Path, names: Sequence[str], images: ShardImages) -> None:
        from greycard.embeddings.compute import embed_images

        embedder, errors = _opened(self), []
        writer = ParquetWriter(place, About(self.network, version("greycard"), labelled=False))
        try:
            for found in embed_images(embedder, images):
                errors += [(names[row], why) for row, why in found.errors]
                if len(found.rows):
                    writer.write(_rows(names, images, found))
            writer.note(errors)
        finally:
            writer.close()

    def count(self, part: IO[bytes], most: int) -> Counted:
        vectors, errors = read_errors(part)
        return Counted(vectors + len(errors), len(errors), tuple(errors[: max(most, 0)]))


def embed_shards(
    model: str | Path,
    weights: str | None,
    names: Iterable[str],
    folder: Folder,
    reporter: Reporter,
    places: Places,
) -> Parts:
    """Compute feature vectors into Parquet files; the arguments and errors are those of `compute_shards`.

    Args:
        model: a run's folder, or the name of a pretrained network.
        weights: of a pretrained network, as for `embed`.
    """
    expect_pyarrow()
    named = str(Path(model).absolute()) if Path(model).is_dir() else str(model)
    weights = absolute_path(weights)
    network = embedder_of(named, weights, reporter).network
    return compute_shards(Vectors(named, weights, network, os.getcwd()), names, folder, reporter, places)


def _rows(names: Sequence[str], images: ShardImages, found: Embedded) -> Rows:
    rows = found.rows.tolist()
    paths = [path if is_remote(path := images.paths[row]) else os.path.normpath(path) for row in rows]
    return Rows([names[row] for row in rows], paths, [None] * len(rows), found.vectors)


@lru_cache(maxsize=1)
def _opened(work: Vectors) -> Embedder:
    """The network, which a process needs for all of its shards."""
    embedder = embedder_of(work.model, work.weights, Silent())
    if embedder.network != work.network:
        raise GreycardError(
            f"{work.model} is {embedder.network} here; expected {work.network}",
            hint="use the same weights on all machines; --weights PATH names them",
        )
    return embedder
