"""A batch's sum over its parts, as a fixed binary tree: its bits do not depend on which worker computes which part."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np


def part_bounds(images: int, parts: int) -> list[slice]:
    """Where each part of a batch lies: parts differ by at most one image, the larger ones first; some may be empty."""
    size, more = divmod(images, parts)
    starts = [part * size + min(part, more) for part in range(parts + 1)]
    return [slice(start, stop) for start, stop in pairwise(starts)]


def tree_sum(term: Callable[[int], np.ndarray], first: int, count: int) -> np.ndarray:
    """The sum of `term(first)` … `term(first + count - 1)`: that of the left half plus that of the right half.

    Addition rounds, so its result depends on its order. Workers with equal shares sum whole subtrees of the same tree.

    Args:
        term: an array of the same shape for each number.
        first: a multiple of `count`.
        count: a power of two.
    """
    if count == 1:
        return term(first)
    half = count // 2
    return tree_sum(term, first, half) + tree_sum(term, first + half, half)
