"""Errors of numbers are scikit-learn's, their intervals cover, and prediction intervals keep their promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greycard.core.errors import GreycardError
from greycard.evaluation.number_comparison import NumberGroup, number_differences
from greycard.evaluation.numbers import number_scores
from greycard.evaluation.reach import choice_rows, halves, least_images, reach_of
from greycard.tasks.target import Target

TRAIN = Target.of(np.random.default_rng(0).normal(50, 10, 400))


def _drawn(seed: int, count: int = 200, noise: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    true = draws.normal(50, 10, count)
    return true, true + draws.normal(0, noise, count)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), offset=st.sampled_from([0.0, 1e6]))
def test_errors_are_scikit_learns(seed: int, offset: float) -> None:
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    true, found = _drawn(seed)
    scores = number_scores(true + offset, found + offset, TRAIN)
    assert scores.mae == pytest.approx(mean_absolute_error(true, found), rel=1e-6)
    assert scores.rmse == pytest.approx(root_mean_squared_error(true, found), rel=1e-6)
    assert scores.r2 == pytest.approx(r2_score(true, found), rel=1e-6)
    assert scores.mae_interval[0] < scores.mae < scores.mae_interval[1]
    assert scores.r2_interval is not None
    assert scores.r2_interval[0] < scores.r2 < scores.r2_interval[1]


def test_the_interval_of_the_error_has_the_true_one_19_times_of_20() -> None:
    expected = 4 * (2 / np.pi) ** 0.5
    inside = [
        low <= expected <= high
        for low, high in (number_scores(*_drawn(seed), TRAIN).mae_interval for seed in range(200))
    ]
    assert 180 <= sum(inside) <= 199


def test_a_guess_is_not_learned_and_the_mean_explains_nothing() -> None:
    true, _ = _drawn(3)
    guess = number_scores(true, np.full(len(true), TRAIN.median), TRAIN)
    assert guess.mae == guess.guess_mae
    assert not guess.learned
    assert number_scores(true, np.full(len(true), true.mean()), TRAIN).r2 == pytest.approx(0)
    assert number_scores(*_drawn(3), TRAIN).learned
    assert number_scores(true[:1], true[:1], TRAIN).r2 is None


@pytest.mark.parametrize("count", [17, 60, 101, 400])
def test_prediction_intervals_hold_their_promise_on_average(count: int) -> None:
    """Over 400 drawn sets, with heavy tails; the expected share is at least 90 %, and below 90 % + 1 / (half + 1)."""
    shares = []
    for seed in range(400):
        draws = np.random.default_rng(seed)
        true = draws.standard_cauchy(count)
        found = reach_of(true, np.zeros(count))
        assert found is not None
        assert found.calibrated_on + found.measured_on == count
        shares.append(found.coverage)
    half = -(-count // 2)
    error = 3 * float(np.std(shares)) / 20
    assert 0.9 - error <= np.mean(shares) <= 0.9 + 1 / (half + 1) + error


def test_too_few_images_promise_nothing() -> None:
    true, found = _drawn(1, least_images())
    assert reach_of(true, found) is not None
    assert reach_of(true[:-1], found[:-1]) is None
    assert least_images() == 17
    assert least_images(0.5) == 1


@pytest.mark.parametrize(("validation", "test"), [(17, 0), (60, 0), (61, 16)])
def test_no_choice_sees_the_images_that_set_the_width(validation: int, test: int) -> None:
    calibrating, others = halves(validation)
    assert sorted([*calibrating, *others]) == list(range(validation))
    assert sorted(others) == choice_rows(validation, test).tolist()
    true, found = _drawn(5, validation)
    worse = found.copy()
    worse[choice_rows(validation, test)] += 1e6
    before, after = reach_of(true, found), reach_of(true, worse)
    assert before is not None
    assert after is not None
    assert (after.width, after.inside) == (before.width, 0)


@pytest.mark.parametrize(("validation", "test"), [(60, 17), (16, 0)])
def test_all_validation_images_choose_if_they_set_no_width(validation: int, test: int) -> None:
    assert choice_rows(validation, test).tolist() == list(range(validation))


def test_an_interval_is_the_number_and_its_reach() -> None:
    reach = reach_of(*_drawn(4))
    assert reach is not None
    low, high = reach.around(3.0)
    assert high - 3 == pytest.approx(3 - low)
    assert 5 < reach.width < 9  # 90 % of a normal error with deviation 4 is within 6.6


def test_numbers_are_written_with_the_decimals_that_say_something() -> None:
    for deviation, text in ((28.0, "1,234.6"), (0.003, "1,234.56789"), (5e6, "1,235"), (1.5, "1,234.57")):
        target = Target(mean=0, deviation=deviation, median=0, lowest=0, highest=1)
        assert target.text(1234.567891) == text


def test_a_target_without_spread_is_refused() -> None:
    with pytest.raises(GreycardError, match="all 5 training images have the number 2"):
        Target.of(np.full(5, 2.0))


def test_pairs_of_runs_are_compared_on_the_same_images() -> None:
    true, found = _drawn(5)
    _, other = _drawn(6)
    errors = np.abs(found - true)
    worse = NumberGroup("worse", ("w",), (errors + 0.5)[None])
    better = NumberGroup("better", ("b",), errors[None])
    unlike = NumberGroup("unlike", ("u", "v"), np.stack([np.roll(errors, 1), np.roll(errors, 7)]))
    first, second, third = number_differences([worse, better, unlike])
    assert (first.first, first.second) == ("worse", "better")
    assert first.difference == pytest.approx(0.5)
    assert first.is_real
    assert (first.first_closer, first.second_closer) == (0, 200)
    assert third.difference == pytest.approx(0)
    assert not third.is_real
    assert second.p_adjusted >= second.p
    assert unlike.maes == pytest.approx([better.mae, better.mae])
    assert better.interval[0] < better.mae < better.interval[1]
    assert len(other) == len(true)
