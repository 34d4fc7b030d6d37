"""The map of the images of stored feature vectors, as an HTML page."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from greycard.core.errors import GreycardError
from greycard.core.threads import thread_pool
from greycard.embeddings.files import CSV
from greycard.embeddings.table import Rows, Stored
from greycard.evaluation.projection import principal_components, tsne
from greycard.evaluation.projections import PCA, TSNE
from greycard.reports.map_page import map_page
from greycard.reports.map_part import Drawn, map_part
from greycard.reports.thumbnails import file_thumbnail

_PROJECTED = {PCA: principal_components, TSNE: tsne}

_MOST, _SIDE = 1000, 64


def expect_mappable(place: Path) -> None:
    """Raise a GreycardError if a file of vectors cannot be read back."""
    if place.suffix.lower() == CSV:
        raise GreycardError(
            f"a map is made from a .parquet or .npz file. Received: {place}", hint="for example -o emb.parquet"
        )


def embedding_map(stored: Stored, title: str, projection: str) -> str:
    """The page. Of many images, every n-th is on it.

    Args:
        stored: the vectors.
        title: the page's heading.
        projection: one of `LEAST_IMAGES`.

    Raises:
        GreycardError: the vectors are damaged, or too few for t-SNE.
    """
    total = stored.count
    some = _some(stored, -(-total // _MOST))
    found = _PROJECTED[projection](some.vectors)
    with thread_pool() as pool:
        images = list(pool.map(lambda path: file_thumbnail(path, _SIDE), some.paths))
    counts = Counter(label for label in some.labels if label is not None)
    numbers = {name: number for number, name in enumerate(sorted(counts))}
    labels = [() if label is None else (numbers[label],) for label in some.labels]
    shown = len(some.ids)
    what = f"{total:,} images" if shown == total else f"{shown:,} of {total:,} images, evenly spread"
    part = map_part(Drawn(some.ids, images, labels, (), tuple(numbers), what), found)
    return map_page(title, f"Feature vectors of {stored.about.network}.", part)


def _some(stored: Stored, step: int) -> Rows:
    """Every `step`-th image."""
    parts, passed = [], 0
    for rows in stored.rows():
        chosen = slice(-passed % step, None, step)
        vectors = rows.vectors[chosen].copy()  # a view would keep all rows in memory
        parts.append(Rows(rows.ids[chosen], rows.paths[chosen], rows.labels[chosen], vectors))
        passed += len(rows.ids)
    return Rows(
        [id for part in parts for id in part.ids],
        [path for part in parts for path in part.paths],
        [label for part in parts for label in part.labels],
        np.concatenate([part.vectors for part in parts]),
    )
