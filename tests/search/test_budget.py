"""Arithmetic of a time budget, with a clock of its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greycard.recipe import Recipe
from greycard.search.budget import Budget, Corrections, Cost, Counts, Rates, cost_of, fitted, usable_images

SECONDS = st.floats(0, 1e4, allow_nan=False)
RECIPE = Recipe.make("pets", "pets", conv=(8,), epochs=50)


def test_time_runs_down_to_zero_and_counts_earlier_processes() -> None:
    now = [100.0]
    budget = Budget(2, spent=30, now=lambda: now[0])
    assert (budget.seconds, budget.spent, budget.left) == (120, 30, 90)
    now[0] += 60
    assert (budget.spent, budget.left) == (90, 30)
    now[0] += 60
    assert budget.left == 0


@given(SECONDS, st.floats(0, 100), st.floats(0, 100), st.integers(1, 60))
def test_a_fitted_recipe_keeps_the_budget_and_its_least_length(
    seconds: float, fixed: float, epoch: float, least: int
) -> None:
    cost = Cost(fixed, epoch)
    found = fitted(RECIPE, least, cost, seconds)
    shortest = cost.seconds(min(least, 50))
    if found is None:
        assert shortest > seconds * (1 - 1e-9) or seconds < 1e-300
    else:
        epochs = found.training.epochs
        assert min(least, 50) <= epochs <= 50
        assert cost.seconds(epochs) <= seconds * (1 + 1e-9)
        assert found.stopping.minutes == pytest.approx(seconds / 60, abs=0.01)


@given(st.lists(st.tuples(st.floats(0.1, 30), st.floats(0.01, 5)), min_size=1, max_size=6), st.floats(0.2, 5))
def test_only_the_first_recipe_can_pass_the_limit(costs: list[tuple[float, float]], off: float) -> None:
    """Every recipe takes `off` times as long as expected; the first one shows it, and corrects the rest."""
    now, corrections = [0.0], Corrections()
    budget = Budget(1, now=lambda: now[0])
    for place, (fixed, epoch) in enumerate(costs):
        cost = Cost(fixed, epoch)
        found = fitted(RECIPE, 1, cost.times(corrections.of(RECIPE)), budget.left)
        if found is None:
            continue
        expected = cost.seconds(found.training.epochs)
        before, now[0] = now[0], now[0] + off * expected
        corrections.learn(RECIPE, expected, now[0] - before)
        assert now[0] <= 60 * (1 + 1e-9) or (before == 0 and off > 1), place


def test_corrections_are_for_recipes_of_the_same_kind() -> None:
    corrections, frozen = Corrections(), RECIPE.replace(backbone="MobileNetV2")
    corrections.learn(frozen, expected=10, measured=5)
    assert (corrections.of(frozen), corrections.of(RECIPE)) == (0.5, 1.0)


def test_a_cost_counts_every_part() -> None:
    rates = Rates(start=5, decode=0.01, features=0.1, step=0.02, predict=0.001)
    cost = cost_of(RECIPE, rates, Counts(100, 20, 30))
    assert cost.fixed == pytest.approx(5 + 120 * 0.01 + 120 * 0.1 + 100 * 0.001)
    assert cost.epoch == pytest.approx(100 * 0.02 + 20 * 0.001)
    augmented = RECIPE.replace(backbone="MobileNetV2", rotation_range=5.0, augmented_copies=3)
    assert cost_of(augmented, rates, Counts(100, 20, 30)).fixed == pytest.approx(cost.fixed + 3 * 100 * 0.1)


@given(st.integers(1, 10**6), st.floats(0, 1), SECONDS, SECONDS, st.integers(1, 1000))
def test_usable_images_fit_the_time_or_are_the_least(
    images: int, per_image: float, fixed: float, seconds: float, least: int
) -> None:
    used = usable_images(images, per_image, fixed, seconds, least)
    assert min(images, least) <= used <= images
    assert used <= least or fixed + used * per_image <= seconds * (1 + 1e-9)
    assert used in (images, least) or fixed + (used + 2) * per_image > seconds * (1 - 1e-9)
