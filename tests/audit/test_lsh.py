"""Candidate pairs: the same in batches of any size, and at most so many in memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greycard.audit import lsh


def _copies(count: int, seed: int, noise: float = 0.01) -> np.ndarray:
    """Grey images float32 (3 * count, 16, 16): the last `count` are nearly those before them."""
    random = np.random.default_rng(seed)
    grey = random.random((3 * count, 16, 16)).astype(np.float32)
    grey[2 * count :] = grey[count : 2 * count] + noise * random.random((count, 16, 16)).astype(np.float32)
    return grey


def _points(grey: np.ndarray) -> np.ndarray:
    return lsh.descriptors(len(grey), lambda rows: grey[rows])


def test_batches_change_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    grey = _copies(100, seed=0)
    whole = _points(grey)
    pairs = lsh.candidates(lsh.as_int8(whole), originals=300)
    assert {(row, row + 100) for row in range(100, 200)} <= {tuple(pair) for pair in pairs.tolist()}
    monkeypatch.setattr(lsh, "_TOGETHER", 7)
    small = _points(grey)
    np.testing.assert_allclose(small, whole, atol=1e-5)
    assert np.array_equal(lsh.candidates(lsh.as_int8(small), originals=300), pairs)


def test_whole_numbers_of_8_bits_change_a_cosine_little() -> None:
    points = _points(_copies(100, seed=1))
    rounded = lsh.as_int8(points) / 127
    assert np.abs(rounded @ rounded.T - points @ points.T).max() < 0.02


@given(seed=st.integers(0, 100), most=st.integers(150, 400))
def test_with_too_many_pairs_the_most_alike_are_kept(seed: int, most: int) -> None:
    random = np.random.default_rng(seed)
    alike = 1 + 0.4 * random.standard_normal((200, 32))  # most pairs are near, but less than a copy
    alike[100:130] = alike[:30] + 0.001 * random.standard_normal((30, 32))
    points = lsh.as_int8(alike / np.linalg.norm(alike, axis=1, keepdims=True))
    everything, bounded = (
        {tuple(pair) for pair in pairs.tolist()}
        for pairs in (lsh.candidates(points, originals=200), lsh.candidates(points, originals=200, most=most))
    )
    assert len(bounded) <= most < len(everything)
    assert bounded <= everything
    assert {(row, row + 100) for row in range(30)} & everything <= bounded
