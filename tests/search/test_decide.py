"""Decisions of a search, from measured figures only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from greycard.search.decide import best_of, cannot_be_beaten, gain_over, more_minutes
from greycard.search.record import DONE, SKIPPED, Rung, SearchRecord, SetAside


def _rung(name: str, accuracy: float | None = None, **fields: object) -> Rung:
    state = DONE if accuracy is not None else SKIPPED
    return Rung(name=name, what="a CNN", least_epochs=1, state=state, val_accuracy=accuracy, **fields)  # type: ignore[arg-type]


def _record(*rungs: Rung) -> SearchRecord:
    aside = SetAside(source="split", images=20, seed=0, grouped=True)
    return SearchRecord(minutes=1.0, seed=0, spent_seconds=50.0, val_images=100, set_aside=aside, rungs=rungs)


def test_the_best_is_the_most_accurate_and_among_equals_the_cheapest() -> None:
    assert best_of([_rung("a", 0.9), _rung("b", 0.95), _rung("c", 0.95), _rung("d")]).name == "b"  # type: ignore[union-attr]
    assert best_of([_rung("d")]) is None


def test_on_few_images_a_large_gain_is_worth_a_try() -> None:
    assert cannot_be_beaten(0, 3)
    assert not cannot_be_beaten(1, 99)
    assert cannot_be_beaten(1, 100)


@pytest.mark.parametrize(("mistakes", "certain"), [(0, True), (5, True), (6, False), (50, False)])
def test_it_stops_when_even_a_perfect_model_would_not_be_significantly_better(mistakes: int, certain: bool) -> None:
    assert cannot_be_beaten(mistakes, 1000) is certain
    right = np.arange(1000) >= mistakes
    assert (gain_over("a", np.ones(1000, bool), right).p >= 0.05) is certain


def test_a_gain_is_new_minus_best() -> None:
    new, best = np.array([True] * 90 + [False] * 10), np.array([True] * 70 + [False] * 30)
    gain = gain_over("probe", new, best)
    assert (gain.over, gain.difference) == ("probe", pytest.approx(0.2))
    assert 0 < gain.low < gain.difference < gain.high
    assert gain.p < 0.001


def test_what_more_minutes_bring_is_only_what_was_measured() -> None:
    assert "more images help" in more_minutes(_record(_rung("a", 1.0)), certain=True)
    assert "more minutes change nothing" in more_minutes(_record(_rung("a", 0.9)), certain=False)
    skipped = _record(_rung("a", 0.9, rising=True), _rung("b", expected_seconds=240.0))
    assert more_minutes(skipped, certain=False) == (
        "a still improved when the time was over; b did not fit; about 4 more minutes are enough for each"
    )
    shortened = _record(_rung("a", 0.9, shortened="12 of 30"))
    assert more_minutes(shortened, certain=False) == "a got 12 of 30 epochs"
    planned = _record(_rung("resnet", 0.9))
    assert more_minutes(planned, certain=False) == (
        "resnet was planned for these minutes: more minutes give it more epochs"
    )
    part = replace(planned, rungs=(_rung("a", 0.9),), set_aside=replace(planned.set_aside, unused=41_374))
    assert more_minutes(part, certain=False) == "41,374 images were left out: more minutes use more of them"
    unmeasured = _record(_rung("a", 0.9), _rung("b", why="no time"))
    assert more_minutes(unmeasured, certain=False) == "there was no time to measure b"
