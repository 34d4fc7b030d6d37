"""The effect of a varied field: matched pairs, averaged for each seed, with Student's interval over the seeds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from greycard.evaluation.effects import Scored, effects
from greycard.runs.sweep import Score, better_half


def test_the_interval_is_that_of_scipys_paired_test() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.uniform(0.8, 0.9, 5), rng.uniform(0.82, 0.92, 5)
    runs = [Scored({"dense": "8"}, seed, float(value)) for seed, value in enumerate(one)]
    runs += [Scored({"dense": "16"}, seed, float(value)) for seed, value in enumerate(other)]
    (found,) = effects(runs)
    tested = stats.ttest_rel(other, one)
    low, high = tested.confidence_interval(0.95)
    assert (found.value, found.baseline, found.seeds, found.pairs) == ("16", "8", 5, 5)
    assert (found.difference, found.low, found.high) == pytest.approx((float((other - one).mean()), low, high))
    assert found.is_real == (tested.pvalue < 0.05)


def test_pairs_of_one_seed_are_averaged_first() -> None:
    """Two fields: four runs a seed are two pairs for each field, and one number for the interval."""
    runs = [
        Scored({"a": a, "b": b}, seed, 0.5 + 0.1 * (a == "2") + 0.01 * seed * (a == "2") + 0.2 * (b == "y"))
        for seed in (0, 1)
        for a in ("1", "2")
        for b in ("x", "y")
    ]
    first, second = effects(runs)
    assert (first.field, first.difference, first.seeds, first.pairs) == ("a", pytest.approx(0.105), 2, 4)
    assert (second.field, second.difference) == ("b", pytest.approx(0.2))
    assert (second.low, second.high) == pytest.approx((0.2, 0.2))


def test_runs_without_a_partner_do_not_count() -> None:
    runs = [Scored({"a": "1", "b": "x"}, 0, 0.5), Scored({"a": "2", "b": "y"}, 0, 0.9)]
    assert effects(runs) == []
    (found,) = effects([*runs, Scored({"a": "2", "b": "x"}, 0, 0.6)])[:1]
    assert (found.difference, found.pairs, found.low, found.is_real) == (pytest.approx(0.1), 1, None, False)


@given(st.lists(st.tuples(st.sampled_from([None, 0.1, 0.5, 0.9]), st.sampled_from([None, 0.3, 2.0])), min_size=1))
def test_the_better_half_is_the_better_half(figures: list[tuple[float | None, float | None]]) -> None:
    scores = [Score(str(place), accuracy, loss) for place, (accuracy, loss) in enumerate(figures)]
    kept = better_half(scores)
    assert len(kept) == -(-len(scores) // 2)
    assert list(kept) == sorted(kept, key=int)
    better = [
        (-1 if each.accuracy is None else each.accuracy, -9 if each.loss is None else -each.loss) for each in scores
    ]
    inside = [better[int(label)] for label in kept]
    outside = [value for place, value in enumerate(better) if str(place) not in kept]
    assert not outside or min(inside) >= max(outside)
