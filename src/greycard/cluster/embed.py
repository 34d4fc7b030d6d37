"""Feature vectors in shards: the files of `greycard embed -o FILE.parquet`, one for each shard."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, ClassVar

from greycard.cluster.compute import SHARD, Parts, compute_shards, parse_places
from greycard.cluster.images import ShardImages
from greycard.cluster.names import Named, image_names, without_videos
from greycard.cluster.where import HERE
from greycard.cluster.work import Counted
from greycard.core.errors import GreycardError
from greycard.core.paths import as_path, is_remote
from greycard.core.reporter import Silent
from greycard.deploy.answers.parquet import expect_pyarrow
from greycard.embeddings.network import Network
from greycard.embeddings.parquet import ParquetWriter, read_errors
from greycard.embeddings.table import About, Rows
from greycard.jobs.network import embedder_of
from greycard.reports.progress import terminal_reporter
from greycard.runs.record import RunRecord
from greycard.runs.run_args import absolute_path
from greycard.storage.folders import folder_at

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
    model: str | Path | RunRecord,
    images: Named | Iterable[Named],
    answers: str | Path,
    *,
    weights: str | Path | None = None,
    shard: int = SHARD,
    on: str = HERE,
    share: tuple[int, int] | None = None,
    quiet: bool = False,
) -> Parts:
    """Compute the feature vectors of many image files into Parquet files, one for each shard.

    Args:
        model: a run or its folder, or the name of a pretrained network.
        weights: of a pretrained network, as for `embed`. All other arguments and errors are those of `predict_shards`.
    """
    places, folder = parse_places(on, shard, share), folder_at(answers)
    expect_pyarrow()
    path = model.path if isinstance(model, RunRecord) else as_path(model, "a run or a network")
    named, file = str(path.absolute()) if path.is_dir() else str(model), absolute_path(weights)
    with terminal_reporter(quiet) as shown:
        network = embedder_of(named, file, shown).network
        return compute_shards(
            Vectors(named, file, network, os.getcwd()), without_videos(image_names(images)), folder, shown, places
        )


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
