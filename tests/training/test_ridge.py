"""Ridge regression is scikit-learn's, its penalty is the best of the cross-validation, and versions are averaged."""

from __future__ import annotations

import numpy as np
import pytest

from greycard.datasets.strata import strata
from greycard.training.regularisation import FOLDS_COUNT, deal_folds
from greycard.training.ridge import PENALTIES, fit_ridge


def _data(count: int = 120, features: int = 30, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(1)
    values = (draws.normal(size=(count, features)) * draws.uniform(0.1, 50, features) + 3).astype(np.float32)
    slope = draws.normal(size=features) / values.std(axis=0)
    targets = values @ slope + noise * draws.normal(size=count)
    return values, (targets - targets.mean()) / targets.std()


def test_the_fit_is_scikit_learns() -> None:
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    values, targets = _data()
    found = fit_ridge([values], targets)
    standard = StandardScaler().fit(values)
    theirs = Ridge(alpha=found.penalty * len(values)).fit(standard.transform(values), targets)
    np.testing.assert_allclose(
        found.linear.logits([values])[:, 0], theirs.predict(standard.transform(values)), rtol=1e-3, atol=1e-3
    )


def test_the_penalty_is_the_best_on_images_that_the_fit_did_not_use() -> None:
    from sklearn.linear_model import Ridge

    values, targets = _data(noise=2.0)
    found = fit_ridge([values], targets)
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    folds = deal_folds(strata(targets), np.arange(len(targets)), FOLDS_COUNT, 0)
    losses = {}
    for penalty in PENALTIES:
        squares = 0.0
        for fold in range(FOLDS_COUNT):
            out = folds == fold
            theirs = Ridge(alpha=penalty * np.sum(~out)).fit(standard[~out], targets[~out])
            squares += float(np.sum((theirs.predict(standard[out]) - targets[out]) ** 2))
        losses[penalty] = squares / len(targets)
    assert found.losses == pytest.approx(losses, rel=1e-2)
    assert found.penalty == min(losses, key=losses.__getitem__)


def test_versions_count_as_parts_of_their_image() -> None:
    values, targets = _data()
    twice, once = fit_ridge([values, values], targets), fit_ridge([values], targets)
    assert twice.penalty == once.penalty
    np.testing.assert_allclose(twice.linear.weights, once.linear.weights, rtol=1e-4, atol=1e-6)


def test_a_constant_feature_gets_no_weight_and_groups_stay_together() -> None:
    values, targets = _data()
    values[:, 3] = 7
    groups = np.arange(len(targets)) // 2
    found = fit_ridge([values], targets, groups=groups)
    assert found.linear.weights[3] == 0
    assert np.isfinite(found.linear.weights).all()


def test_few_images_have_no_folds() -> None:
    values, targets = _data(2)
    found = fit_ridge([values], targets, groups=np.zeros(2, int))
    assert not found.losses
    assert np.isfinite(found.linear.logits([values])).all()
