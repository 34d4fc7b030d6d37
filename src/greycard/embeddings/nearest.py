"""The nearest vectors by cosine similarity, from any number of vectors that come in parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from greycard.embeddings.table import Rows

SAME = 1 - 1e-6
"""From this similarity on, the network cannot tell two images apart; rounding stays far below the difference."""


@dataclass(frozen=True)
class Neighbour:
    """An image and how similar it is to another one.

    Attributes:
        id: its name.
        path: of its file; empty if it was no file.
        label: its class, if known.
        similarity: the cosine of the angle between the feature vectors, -1 to 1.
    """

    id: str
    path: str
    label: str | None
    similarity: float

    @property
    def is_same(self) -> bool:
        """Whether the network cannot tell it from the other image: nearly always a copy."""
        return self.similarity >= SAME


def nearest(
    queries: np.ndarray, paths: Sequence[str | None], parts: Iterable[Rows], count: int
) -> list[list[Neighbour]]:
    """The most similar images of each query, the most similar first; a query's own file is left out.

    Args:
        queries: float32 (q, features).
        paths: the absolute path of each query's file, if it is one.
        parts: the images to search; only one part is in memory at a time.
        count: neighbours of each query.
    """
    wanted = _unit(queries)
    found: list[list[Neighbour]] = [[] for _ in wanted]
    for rows in parts:
        similarities = np.clip(wanted @ _unit(rows.vectors).T, -1, 1)
        for query, row in enumerate(similarities):
            others = np.flatnonzero([each != paths[query] for each in rows.paths])
            best = others[_largest(row[others], count)]
            more = [Neighbour(rows.ids[at], rows.paths[at], rows.labels[at], float(row[at])) for at in best]
            found[query] = sorted([*found[query], *more], key=lambda each: -each.similarity)[:count]
    return found


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """The places of the largest values, the largest first; of equal ones the first. Only these are sorted."""
    if count >= len(values):
        return np.argsort(-values, kind="stable")
    least = np.partition(values, len(values) - count)[len(values) - count]
    places = np.flatnonzero(values >= least)
    return places[np.argsort(-values[places], kind="stable")[:count]]


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length 1, float64; a vector of zeros stays, and is similar to none."""
    exact = vectors.astype(np.float64)
    lengths = np.linalg.norm(exact, axis=1, keepdims=True)
    return exact / np.where(lengths > 0, lengths, 1)
