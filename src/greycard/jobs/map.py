"""Make the map of a run's validation images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from greycard.core.errors import GreycardError
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset
from greycard.datasets.source import Source
from greycard.evaluation.projection import principal_components
from greycard.jobs.data import dataset_of
from greycard.pipeline.shrink import shrink
from greycard.runs.image_map import ImageMap, write_map
from greycard.runs.record import RunRecord
from greycard.training.decode import decoded_split

if TYPE_CHECKING:
    from greycard.embeddings.embedder import Embedder

MOST = 500
"""Images on a map: more points would cover each other."""

_SIDE = 64


def expect_map(run: RunRecord) -> None:
    """Raise a GreycardError if the run cannot have a map."""
    run.expect_finished()
    if run.recipe.data.image_size is None or not run.task.has_classes:
        raise GreycardError(f"{run.path} has no classes of images, so it has no map", hint="leave out --map")


def make_map(
    run: RunRecord,
    embedder: Embedder,
    *,
    data: str | Path | Dataset | Source | None,
    data_dir: str | Path | None,
    reporter: Reporter,
) -> ImageMap:
    """Compute the feature vectors of the validation images, or of a sample of them, and write their map into the run.

    Args:
        run: `expect_map` accepts it.
        embedder: of the run.
        data: the run's dataset if it has moved; None to find it where it was.
        data_dir: the folder of named datasets.
        reporter: shows progress.

    Raises:
        GreycardError: images are missing.
    """
    from greycard.embeddings.compute import embed_images

    validation = dataset_of(run, data, data_dir).validation
    pixels = decoded_split(run.recipe, validation.limited(MOST, 0), "validation", reporter)
    if not len(pixels):
        raise GreycardError(
            f"none of the validation images of {run.name} can be read", hint="replace the damaged files"
        )
    progress = reporter.progress("computing features", len(pixels))
    rows, vectors = [], []
    for each in embed_images(embedder, list(pixels.images)):
        rows += each.rows.tolist()
        vectors.append(each.vectors)
        progress(len(each.rows) + len(each.errors))
    found = principal_components(np.concatenate(vectors))
    small = np.stack([shrink(pixels.images[row], _SIDE) for row in rows])
    made = ImageMap(tuple(pixels.ids[row] for row in rows), found.positions, small, found.share, len(validation))
    write_map(run, made)
    return made
