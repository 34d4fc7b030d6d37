"""Optimizer and schedule settings: the formulas of the learning rate, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import schedules

from conftest import an_epoch
from greycard.core.errors import GreycardError
from greycard.recipe import Recipe
from greycard.recipe.schedule import ScheduleConfig
from greycard.training.stopping import ignored_patience, stopping_rules, unfinished_schedule, will_not_finish

FIRST = Recipe.make("r", "d", epochs=20)
_STEPS = st.integers(1, 3000)


@given(schedules, _STEPS)
def test_every_rate_is_above_0_and_at_most_the_optimizers(schedule: ScheduleConfig, steps: int) -> None:
    rates = [schedule.fraction(step, steps) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates)
    assert max(rates) > 0.9 or (schedule.kind != "constant" and steps < 30)


@given(_STEPS, st.floats(0.01, 0.99), st.sampled_from(["linear", "cosine"]))
def test_a_onecycle_schedule_rises_to_its_highest_rate_and_falls_to_almost_0(
    steps: int, warmup: float, anneal: str
) -> None:
    schedule = ScheduleConfig(kind="onecycle", warmup=warmup, anneal=anneal)
    rates = [schedule.fraction(step, steps) for step in range(steps)]
    top = round(steps * warmup)
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    if top < steps:
        assert rates[top] == 1
    if top:
        assert rates[0] == pytest.approx(1 / 25)
    for step in range(top, steps):
        done = (step - top) / (steps - top)
        expected = 1 - done if anneal == "linear" else 0.5 * (1 + math.cos(math.pi * done))
        assert rates[step] == pytest.approx(expected, abs=1e-12)


@given(_STEPS)
def test_a_cosine_schedule_warms_up_in_a_line_and_falls_along_a_cosine(steps: int) -> None:
    schedule, warm = ScheduleConfig(kind="cosine", warmup=0.1), round(steps * 0.1)
    for step in range(steps):
        done = (step - warm) / (steps - warm)
        expected = 1 / 25 + 24 / 25 * step / warm if step < warm else 0.5 * (1 + math.cos(math.pi * done))
        assert schedule.fraction(step, steps) == pytest.approx(expected, abs=1e-12)


@given(_STEPS)
def test_a_step_schedule_drops_at_its_milestones(steps: int) -> None:
    schedule = ScheduleConfig(kind="step", milestones=(0.5, 0.75), factor=0.1)
    for step in range(steps):
        drops = (step >= steps / 2) + (step >= 0.75 * steps)
        assert schedule.fraction(step, steps) == pytest.approx(0.1**drops)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"momentum": 0.9}, "the optimizer adam has no momentum; rmsprop and sgd have it"),
        ({"optimizer": "rmsprop", "nesterov": True}, "the optimizer rmsprop has no nesterov; sgd has it"),
        ({"weight_decay": 0.1}, "the optimizer adam has no weight_decay; adamw, rmsprop and sgd have it"),
        ({"optimizer": "sgd", "nesterov": True}, "nesterov needs a momentum"),
        ({"optimizer": "adamw"}, "adamw needs a weight_decay"),
        ({"warmup": 0.1}, "the schedule constant has no warmup; onecycle and cosine have it"),
        ({"schedule": "cosine", "anneal": "linear"}, "the schedule cosine has no anneal; onecycle has it"),
        ({"schedule": "onecycle", "factor": 0.5}, "the schedule onecycle has no factor; step has it"),
        ({"schedule": "step", "milestones": (0.5, 0.5)}, "milestones must be rising fractions"),
        ({"ema": 0.0}, "ema must be a fraction between 0 and 1"),
        ({"clip_norm": 0}, "clip_norm must be a number above 0"),
    ],
    ids=str,
)
def test_a_setting_without_a_meaning_is_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(GreycardError, match=sentence) as error:
        FIRST.replace(**settings)
    assert error.value.hint


def test_one_milestone_may_be_typed_without_a_comma() -> None:
    assert FIRST.replace(schedule="step", milestones=0.4).schedule.milestones == (0.4,)


def test_patience_waits_for_no_schedule_and_says_so() -> None:
    recipe = FIRST.replace(patience=3)
    assert (len(stopping_rules(recipe, 10, 10)), ignored_patience(recipe)) == (1, [])
    recipe = recipe.replace(schedule="onecycle")
    assert stopping_rules(recipe, 10, 10) == []
    [note] = ignored_patience(recipe)
    assert note.startswith("patience=3 is not used: a onecycle schedule improves a model most in its last epochs")
    assert ignored_patience(recipe.replace(patience=20)) == []


def test_a_schedule_that_was_cut_off_says_at_which_rate() -> None:
    recipe = FIRST.replace(schedule="step", learning_rate=0.5, milestones=(0.2,))
    assert "cut off at a learning rate of 0.05" in unfinished_schedule(recipe, 10)
    assert "(--epochs 10)" in unfinished_schedule(recipe, 10)
    assert unfinished_schedule(recipe, 20) == unfinished_schedule(FIRST, 10) == ""


def test_a_time_limit_that_will_cut_a_schedule_off_is_told_after_the_second_epoch() -> None:
    recipe = FIRST.replace(schedule="cosine", minutes=1)
    history = [an_epoch(number, seconds=10.0) for number in (1, 2)]
    note = will_not_finish(recipe, history, 15.0)
    assert note is not None
    assert note.startswith(
        "only about 4 of 20 epochs fit into the time limit of 1 minute, which will cut off the cosine"
    )
    assert note.endswith("--epochs 4")
    assert will_not_finish(recipe, history[:1], 15.0) is None
    assert will_not_finish(recipe.replace(minutes=10), history, 15.0) is None
    assert will_not_finish(FIRST.replace(minutes=1), history, 15.0) is None


def test_another_kind_starts_without_the_settings_that_it_does_not_have() -> None:
    recipe = Recipe.make(
        "pets", "pets", schedule="onecycle", warmup=0.2, optimizer="sgd", momentum=0.9, nesterov=True, weight_decay=0.01
    )
    changed = recipe.replace(schedule="constant", optimizer="adamw")
    assert changed.schedule == ScheduleConfig()
    assert (changed.optimizer.momentum, changed.optimizer.nesterov, changed.optimizer.weight_decay) == (0, False, 0.01)
    with pytest.raises(GreycardError, match="has no warmup"):
        recipe.replace(schedule="constant", warmup=0.1)
