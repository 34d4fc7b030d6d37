"""Compute the feature vectors of many images: threads decode the next ones while the network computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from greycard.core.threads import map_ahead, thread_pool
from greycard.datasets.images import UnreadableImageError, quiet_pillow
from greycard.deploy.sources import ImageLike
from greycard.embeddings.embedder import Embedder

_TOGETHER = 32
_FEW = 64
"""Keras, which starts at once, computes this many images; for more, the faster engine is worth its preparation."""

_Decoded = np.ndarray | str


@dataclass(frozen=True)
class Embedded:
    """Consecutive images.

    Attributes:
        rows: the numbers of the images that have a vector, int64 (n,), counted from 0.
        vectors: float32 (n, features), all finite.
        errors: the number of each other image, and why it has no vector.
    """

    rows: np.ndarray
    vectors: np.ndarray
    errors: tuple[tuple[int, str], ...]


def embed_images(embedder: Embedder, images: Sequence[ImageLike]) -> Iterator[Embedded]:
    """Yield the feature vectors of images, in order; only a few images are in memory at a time.

    Args:
        embedder: the network.
        images: the images; one that cannot be read gets an error, and the others continue.
    """
    engine = embedder.engine if len(images) > _FEW else embedder.at_once
    first = 0
    with quiet_pillow(), thread_pool() as pool:
        each = map_ahead(pool, lambda image: _decode(embedder, image), images, _TOGETHER)
        while decoded := list(islice(each, _TOGETHER)):
            yield _embedded(engine, first, decoded)
            first += len(decoded)


def _decode(embedder: Embedder, image: ImageLike) -> _Decoded:
    try:
        return embedder.decode(image)
    except UnreadableImageError as error:
        return str(error)
    except OSError as error:
        return error.strerror or str(error)


def _embedded(engine: Callable[[np.ndarray], np.ndarray], first: int, decoded: Sequence[_Decoded]) -> Embedded:
    errors = {first + row: each for row, each in enumerate(decoded) if isinstance(each, str)}
    rows = [row for row, each in enumerate(decoded) if not isinstance(each, str)]
    vectors = engine(np.stack([decoded[row] for row in rows])) if rows else np.empty((0, 0), np.float32)
    numbers = np.array(rows, np.int64) + first
    finite = np.isfinite(vectors).all(axis=1) if rows else np.empty(0, bool)
    errors |= {int(row): "its features are NaN or infinite" for row in numbers[~finite]}
    return Embedded(numbers[finite], vectors[finite], tuple(sorted(errors.items())))
