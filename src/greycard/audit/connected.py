"""Connected components of a graph that is given as pairs of rows."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def connected_rows(count: int, pairs: Iterable[tuple[int, int]]) -> np.ndarray:
    """The number of each row's component, int (count,); rows that are connected by pairs have the same number."""
    rows = np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(rows), np.int8), (rows[:, 0], rows[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1]
