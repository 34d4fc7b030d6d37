"""Two dimensions of many: the share of variance is what scikit-learn says, and degenerate inputs have a map, too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from greycard.core.errors import GreycardError
from greycard.evaluation.projection import principal_components, tsne


@given(st.integers(0, 500), st.integers(3, 30), st.integers(2, 40))
def test_principal_components_are_scikit_learns(seed: int, count: int, features: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(count, features)) * np.linspace(1, 5, features) + 3
    found, known = principal_components(vectors), PCA(2, svd_solver="full").fit(vectors)
    assert found.share == pytest.approx(known.explained_variance_ratio_.sum(), abs=1e-9)
    np.testing.assert_allclose(np.abs(found.positions), np.abs(known.transform(vectors)), atol=1e-4)


@pytest.mark.parametrize("vectors", [np.ones((1, 5)), np.ones((4, 5)), np.array([[0.0], [2.0], [1.0]])])
def test_few_images_and_equal_ones_have_positions(vectors: np.ndarray) -> None:
    found = principal_components(vectors)
    assert found.positions.shape == (len(vectors), 2)
    assert np.isfinite(found.positions).all()
    assert found.share == 1.0


def test_tsne_keeps_groups_together_and_needs_some_images() -> None:
    random = np.random.default_rng(0)
    vectors = np.concatenate([random.normal(size=(20, 8)) + 20 * np.eye(8)[group] for group in range(2)])
    found = tsne(vectors)
    distances = np.linalg.norm(found.positions[:, None] - found.positions[None], axis=2) + 1e9 * np.eye(40)
    assert (distances.argmin(axis=1) // 20 == np.arange(40) // 20).all()
    assert 0 < found.share < 1
    with pytest.raises(GreycardError, match="at least 10 images"):
        tsne(vectors[:9])
