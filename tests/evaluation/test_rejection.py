"""What is refused: the promise holds over simulated calibrations, and the score is the distance that it says."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from greycard.core.errors import GreycardError
from greycard.evaluation.rejection import scores as others
from greycard.evaluation.rejection.bank import bank_rows, fit_strangeness
from greycard.evaluation.rejection.promise import SHARES, images_needed, limit, most_refused, promised_share
from greycard.evaluation.rejection.record import calibrate, expect_refusal, without_own_class
from greycard.evaluation.rejection.stored import KEYS, Stored

shares = st.floats(0.01, 0.5)


@given(st.integers(1, 3000), shares)
def test_as_many_are_refused_as_the_interval_of_clopper_and_pearson_allows(images: int, share: float) -> None:
    found = most_refused(images, share)
    upper = [beta.ppf(0.95, r + 1, images - r) if r < images else 1.0 for r in (found or 0, (found or 0) + 1)]
    if found is None:
        assert upper[0] > share
    else:
        assert upper[0] <= share + 1e-9 < upper[1] + 2e-9
        assert binom.cdf(found, images, share) <= 0.05 + 1e-9


def test_few_images_promise_less() -> None:
    assert [images_needed(share) for share in SHARES] == [59, 29, 14]
    assert [promised_share(images) for images in (13, 14, 28, 29, 58, 59)] == [None, 0.2, 0.2, 0.1, 0.1, 0.05]
    with pytest.raises(
        GreycardError, match=r"with 40 calibration images at most 5 % cannot be promised.*10 % can"
    ) as e:
        limit(np.arange(40.0), 0.05)
    assert e.value.hint == "use --refuse 0.1"
    assert np.sum(np.arange(40.0) > limit(np.arange(40.0), 0.1)) == 0
    with pytest.raises(GreycardError, match="at most 5 % cannot be promised") as none:
        limit(np.arange(9.0), 0.05)
    assert none.value.hint is not None
    assert "--refuse none" in none.value.hint


@pytest.mark.parametrize(("images", "share"), [(59, 0.05), (150, 0.05), (1000, 0.05), (40, 0.1), (200, 0.2)])
def test_the_promise_holds_in_nineteen_of_twenty_calibrations(images: int, share: float) -> None:
    """The share that a limit really refuses is known for these scores; it may be larger in 5 % of the calibrations."""
    random, kept = np.random.default_rng(images), 0
    for _ in range(4000):
        above = limit(random.exponential(size=images), share)
        kept += np.exp(-above) <= share
    assert kept / 4000 >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 4000)
    assert kept / 4000 <= 0.995 or images == 40  # not much stricter than it promises; steps are coarse with few images


@given(st.lists(st.floats(0, 2, allow_subnormal=False), min_size=59, max_size=200), st.sampled_from(SHARES))
def test_a_limit_refuses_no_more_calibration_images_than_promised(values: list[float], share: float) -> None:
    """With equal scores, too."""
    scores = np.array(values)
    most = most_refused(len(scores), share)
    assert most is not None
    assert np.sum(scores > limit(scores, share)) <= most


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan"), "much", True, [0.1]])
def test_what_is_no_share_is_refused(share: object) -> None:
    with pytest.raises(GreycardError, match="must be above 0 and below 1"):
        expect_refusal(share)


def test_none_refuses_nothing_and_a_share_may_be_a_word() -> None:
    assert [expect_refusal(each) for each in (None, "none", "None", "0.1", 0.2)] == [None, None, None, 0.1, 0.2]


def _features(images: int, features: int, seed: int) -> np.ndarray:
    return np.abs(np.random.default_rng(seed).normal(size=(images, features))).astype(np.float32)


@settings(max_examples=25)
@given(st.integers(1, 40), st.integers(1, 80), st.integers(1, 6), st.integers(0, 99))
def test_with_all_components_the_score_is_the_distance(images: int, features: int, k: int, seed: int) -> None:
    training, asked = _features(images, features, seed), _features(7, features, seed + 1)
    score = fit_strangeness(training, k, components=None)
    assert score.neighbours == min(k, images)
    expected = others.nearest(training, asked, score.neighbours)
    np.testing.assert_allclose(score.of(asked) ** 2, expected**2, atol=2e-5)


def test_what_is_outside_the_components_counts() -> None:
    """Training images vary in two directions; one in a third direction is as far as with all components."""
    random = np.random.default_rng(0)
    training = np.concatenate([5 + random.normal(size=(80, 2)), np.zeros((80, 10))], axis=1)
    score = fit_strangeness(training, 5, components=1)
    stranger = np.zeros((1, 12))
    stranger[0, 7] = 1.0
    assert score.of(stranger)[0] == pytest.approx(np.sqrt(2), abs=0.01)
    assert score.of(training).max() < 0.5


@settings(max_examples=10)
@given(st.integers(2, 90), st.integers(1, 90), st.integers(0, 99))
def test_the_layers_compute_the_same_number(images: int, features: int, seed: int) -> None:
    score = fit_strangeness(_features(images, features, seed))
    asked = np.concatenate([_features(5, features, seed + 1) * 100, np.zeros((1, features), np.float32)])
    found = score.model().predict_on_batch(asked)
    np.testing.assert_allclose(found[:, 0] ** 2, score.of(asked) ** 2, atol=2e-5)


def test_strangers_are_found() -> None:
    random = np.random.default_rng(1)
    centres = np.abs(random.normal(size=(3, 200))) * (random.random((3, 200)) < 0.3)

    def some(count: int, of: np.ndarray) -> np.ndarray:
        return np.maximum(of[random.integers(0, len(of), count)] + 0.1 * random.normal(size=(count, 200)), 0)

    score, own = fit_strangeness(some(300, centres)), some(300, centres)
    elsewhere = some(300, np.abs(random.normal(size=(5, 200))) * (random.random((5, 200)) < 0.3))
    above = limit(score.of(own), 0.05)
    assert np.mean(score.of(elsewhere) > above) > 0.95
    assert np.mean(score.of(some(2000, centres)) > above) <= 0.06


def test_the_bank_is_a_fixed_stratified_sample() -> None:
    labels = np.repeat([0, 1, 2], [6000, 3000, 30])
    rows = bank_rows(labels, seed=1)
    assert rows.tolist() == bank_rows(labels, seed=1).tolist() == sorted(set(rows.tolist()))
    assert np.bincount(labels[rows]).tolist() == pytest.approx([664, 332, 3], abs=1)
    assert bank_rows(labels[:50], seed=1).tolist() == list(range(50))
    assert len(bank_rows(np.zeros((3000, 4)), seed=1)) == 1000  # several labels per image


def test_half_of_many_images_measure_what_is_refused() -> None:
    scores = np.random.default_rng(2).random(400)
    ids = tuple(f"{number}.jpg" for number in range(400))
    found = calibrate("validation", ids, scores, np.array([0.5, 1.5, 2.0]), "images", seed=0)
    assert len(found.calibration) == len(found.own) == 200
    assert np.array_equal(np.sort(np.concatenate([found.calibration, found.own])), np.sort(scores))
    assert found.calibration.tolist() == [scores[ids.index(id)] for id in found.ids]
    promise = found.rejection()
    assert promise is not None
    assert (promise.share, promise.calibration_images) == (0.05, 200)
    assert promise.own is not None
    assert promise.own.refused == np.sum(found.own > promise.limit)
    assert promise.own.interval[0] < promise.own.share < promise.own.interval[1]
    assert promise.strangers is not None
    assert (promise.strangers.refused, promise.strangers.images) == (2, 3)
    assert found.rejection_at(0.2).limit < promise.limit


@pytest.mark.parametrize(("images", "own"), [(14, 0), (26, 0), (27, 13), (59, 0), (116, 0), (117, 58)])
def test_few_images_all_set_the_limit(images: int, own: int) -> None:
    """117 images: the larger half is 59."""
    found = calibrate("test", tuple(map(str, range(images))), np.arange(float(images)), np.empty(0), "classes", 0)
    promise = found.rejection()
    assert promise is not None
    assert len(found.own) == own
    assert promise.share == promised_share(images)
    assert (promise.own is None, promise.strangers) == (own == 0, None)


def test_too_few_images_promise_nothing() -> None:
    found = calibrate("validation", tuple(map(str, range(13))), np.arange(13.0), np.empty(0), "classes", 0)
    assert (found.rejection(), len(found.calibration)) == (None, 13)
    assert found.rejection_at(0.3).limit > 12


def test_a_class_left_out_is_far_from_the_others() -> None:
    training, labels = np.repeat(np.eye(3), 20, axis=0), np.repeat([0, 1, 2], 20)
    score = fit_strangeness(training, 5)
    assert without_own_class(score, training[::20], labels[::20], labels) == pytest.approx([np.sqrt(2)] * 3, abs=1e-3)
    assert score.of(training[::20]) == pytest.approx([0, 0, 0], abs=1e-3)
    assert len(without_own_class(score, training[:2], labels[:2], np.zeros(60, int))) == 0  # no other class


def test_what_is_stored_is_read_again() -> None:
    score = fit_strangeness(_features(30, 12, 0))
    found = calibrate("test", tuple(map(str, range(40))), np.arange(40.0), np.arange(3.0), "images", 0)
    arrays = Stored(score, found).arrays()
    assert set(arrays) == set(KEYS)
    again = Stored.of(arrays)
    assert again.scores.rejection() == found.rejection()
    assert again.scores.ids == found.ids
    asked = _features(4, 12, 1)
    assert np.array_equal(again.strangeness.of(asked), score.of(asked))


def test_the_other_scores_are_larger_for_stranger_images() -> None:
    logits = np.array([[9.0, 0.0], [1.0, 0.9]])
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for found in (others.max_softmax(probabilities), others.max_logit(logits), others.energy(logits)):
        assert found[0] < found[1]
    assert others.energy(logits)[0] == pytest.approx(-np.log(np.exp(9) + 1))


def test_mahalanobis_is_scipys_with_the_shrunk_covariance() -> None:
    from scipy.spatial.distance import mahalanobis
    from sklearn.covariance import LedoitWolf

    random = np.random.default_rng(3)
    labels = np.repeat([0, 1], 50)
    training = random.normal(size=(100, 4)) + 5 * labels[:, None]
    means = np.stack([training[labels == label].mean(axis=0) for label in (0, 1)])
    precision = LedoitWolf(assume_centered=True).fit(training - means[labels]).precision_
    asked = random.normal(size=(6, 4)) * 5
    expected = [min(mahalanobis(each, mean, precision) ** 2 for mean in means) for each in asked]
    assert others.mahalanobis(training, labels, asked) == pytest.approx(expected)


def test_a_run_is_read_without_keras() -> None:
    code = "import sys, greycard.evaluation.rejection.stored; print('keras' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"
