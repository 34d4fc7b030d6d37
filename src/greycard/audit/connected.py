"""What belongs together by pairs: the connected parts of a graph."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def connected_rows(count: int, pairs: Iterable[tuple[int, int]]) -> np.ndarray:
    """A number for each of `count` rows, int (count,), equal where pairs connect them."""
    rows = np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(rows), np.int8), (rows[:, 0], rows[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1]
