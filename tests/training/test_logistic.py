"""The logistic regression of a probe, and how its regularisation is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from greycard.training.logistic import Standard, fit_logistic
from greycard.training.regularisation import STRENGTHS, Choice, choose_strength, deal_folds


def _data(classes: int, count: int = 120, features: int = 8) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(classes)
    labels = np.arange(count) % classes
    centres = draws.normal(size=(classes, features))
    return (3 + 5 * (centres[labels] + draws.normal(size=(count, features)))).astype(np.float32), labels


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("strength", [0.01, 1.0])
def test_it_finds_what_scikit_learn_finds_on_standardised_features(classes: int, strength: float) -> None:
    features, labels = _data(classes)
    linear, _ = fit_logistic([features], labels, 1 if classes == 2 else classes, strength, gradient=1e-7)
    scaled = StandardScaler().fit_transform(features.astype(np.float64))
    theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=1000).fit(scaled, labels).decision_function(scaled)
    ours = linear.logits([features])
    if classes == 2:
        np.testing.assert_allclose(ours[:, 0], theirs, atol=1e-3)
    else:  # a constant added to all logits changes no probability
        np.testing.assert_allclose(ours - ours.mean(axis=1, keepdims=True), theirs, atol=1e-3)


def test_several_versions_count_as_one_image() -> None:
    features, labels = _data(3)
    once, _ = fit_logistic([features], labels, 3, 0.1, gradient=1e-7)
    twice, _ = fit_logistic([features, features], labels, 3, 0.1, gradient=1e-7)
    np.testing.assert_allclose(once.weights, twice.weights, atol=1e-5)
    np.testing.assert_allclose(twice.logits([features, features]), twice.logits([features]), atol=1e-5)


def test_a_fit_is_the_same_bit_for_bit() -> None:
    features, labels = _data(3)
    one, other = (fit_logistic([features], labels, 3, 0.1)[0] for _ in range(2))
    assert np.array_equal(one.weights, other.weights)


def test_only_the_rows_count() -> None:
    features, labels = _data(2)
    rows = np.arange(len(labels)) < 80
    standard = Standard.of([features])
    some, _ = fit_logistic([features], labels, 1, 0.1, rows=rows, standard=standard, gradient=1e-7)
    alone, _ = fit_logistic([features[rows]], labels[rows], 1, 0.1, standard=standard, gradient=1e-7)
    np.testing.assert_allclose(some.weights, alone.weights, atol=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_weights_count_as_in_scikit_learn(classes: int) -> None:
    features, labels = _data(classes)
    weights = np.where(labels == 0, 3.0, 0.5)
    linear, _ = fit_logistic([features], labels, 1 if classes == 2 else classes, 0.1, weights=weights, gradient=1e-7)
    scaled = StandardScaler().fit_transform(features.astype(np.float64))
    theirs = LogisticRegression(C=0.1, tol=1e-8, max_iter=1000).fit(scaled, labels, weights).decision_function(scaled)
    ours = linear.logits([features])
    if classes == 2:
        np.testing.assert_allclose(ours[:, 0], theirs, atol=1e-3)
    else:
        np.testing.assert_allclose(ours - ours.mean(axis=1, keepdims=True), theirs, atol=1e-3)


def test_equal_weights_change_nothing_and_others_change_the_choice() -> None:
    features, labels = _data(2)
    assert choose_strength([features], labels, 1, weights=np.ones(len(labels))) == choose_strength(
        [features], labels, 1
    )
    rare = choose_strength([features], labels, 1, weights=np.where(labels == 1, 0.1, 1.9))
    assert rare.losses != choose_strength([features], labels, 1).losses


def test_blocks_of_images_give_the_same_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = _data(3)
    whole, _ = fit_logistic([features], labels, 3, 0.1, gradient=1e-7)
    monkeypatch.setattr("greycard.training.logistic._BLOCK", 7)
    blocks, _ = fit_logistic([features], labels, 3, 0.1, gradient=1e-7)
    np.testing.assert_allclose(blocks.weights, whole.weights, atol=1e-5)


def test_a_constant_feature_gets_no_weight() -> None:
    features, labels = _data(2)
    features[:, 3] = 7.5
    linear, _ = fit_logistic([features], labels, 1, 1.0)
    assert np.isfinite(linear.weights).all()
    assert linear.weights[3] == 0
    nothing, _ = fit_logistic([np.zeros_like(features)], labels, 1, 1.0)
    assert not nothing.weights.any()


def test_an_exception_in_a_step_ends_the_fit() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_logistic([_data(2)[0]], _data(2)[1], 1, 1.0, on_step=stop)


def test_noise_is_regularised_more_than_a_clear_difference() -> None:
    clear, labels = _data(2)
    noise = np.random.default_rng(5).normal(size=clear.shape).astype(np.float32)
    chosen = [choose_strength([each], labels, 1) for each in (noise, clear)]
    assert chosen[0].strength < chosen[1].strength
    assert all(min(each.losses, key=each.losses.__getitem__) == each.strength for each in chosen)
    assert chosen[1] == choose_strength([clear], labels, 1)  # the same folds for the same seed


def test_the_search_goes_on_to_the_ends_of_the_range() -> None:
    features, labels = _data(2)
    assert choose_strength([np.zeros_like(features)], labels, 1).strength in STRENGTHS
    separated = np.where(labels[:, None] == 1, 1, -1).astype(np.float32)
    assert choose_strength([separated], labels, 1).strength == STRENGTHS[-1]


@pytest.mark.parametrize("classes", [2, 5, 300])
def test_one_image_of_each_class_needs_no_folds(classes: int) -> None:
    features = np.random.default_rng(0).normal(size=(classes, 4)).astype(np.float32)
    labels = np.arange(classes)
    assert choose_strength([features], labels, 1 if classes == 2 else classes) == Choice(0.01)


def test_a_class_with_fewer_images_than_folds_is_never_missing_from_a_fit() -> None:
    features, labels = _data(3, count=60)
    labels[:] = 0
    labels[:2], labels[2:5] = 1, 2
    choice = choose_strength([features], labels, 3)
    assert all(np.isfinite(loss) for loss in choice.losses.values())


def test_many_images_are_a_share_of_each_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("greycard.training.regularisation.MOST_IMAGES", 40)
    features, labels = _data(2, count=400)
    labels[:] = np.arange(400) < 12
    assert choose_strength([features], labels, 1).losses


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=60),
    st.integers(1, 6),
    st.integers(2, 6),
    st.integers(0, 2**32 - 1),
)
def test_folds_keep_groups_and_leave_every_class_in_the_fit(
    labels: list[int], together: int, count: int, seed: int
) -> None:
    classes, groups = np.array(labels), np.arange(len(labels)) // together
    folds = deal_folds(classes, groups, count, seed)
    assert folds.shape == classes.shape
    assert folds.max() < count
    assert np.array_equal(folds, deal_folds(classes, groups, count, seed))
    first = {group: classes[groups == group][0] for group in set(groups.tolist())}
    named = np.array([first[group] for group in groups.tolist()])
    for group in set(groups.tolist()):
        assert len(set(folds[groups == group].tolist())) == 1
    for label in set(named.tolist()):
        inside = named == label
        assert ((folds[inside] < 0).all()) == (len(set(groups[inside].tolist())) == 1)
        for fold in set(folds[folds >= 0].tolist()):
            assert (folds[inside] != fold).any()
