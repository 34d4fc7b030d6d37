"""Intervals, paired tests and calibration agree with an independent library, or with what they promise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from greycard.evaluation.calibration import (
    at_temperature,
    error_after_scaling,
    expected_calibration_error,
    fit_temperature,
    reliability,
)
from greycard.evaluation.comparison import Group, differences
from greycard.evaluation.intervals import accuracy_interval, paired_interval, wilson
from greycard.evaluation.paired import mcnemar, paired
from greycard.evaluation.scores import scores

counts = st.integers(0, 400)


@given(st.integers(1, 20_000).flatmap(lambda images: st.tuples(st.integers(0, images), st.just(images))))
def test_wilson_agrees_with_statsmodels(case: tuple[int, int]) -> None:
    right, images = case
    assert wilson(right, images) == pytest.approx(proportion_confint(right, images, method="wilson"), abs=1e-9)


def test_the_published_accuracies_have_the_intervals_of_their_thousand_images() -> None:
    low, high = accuracy_interval(0.75, 1000)
    assert (round(low, 3), round(high, 3)) == (0.722, 0.776)
    assert accuracy_interval(1.0, 10)[1] == 1.0


@pytest.mark.parametrize(("right", "images"), [(-1, 10), (11, 10), (0, 0)])
def test_an_impossible_count_is_refused(right: int, images: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        wilson(right, images)


@given(counts, counts, counts, counts)
def test_mcnemar_agrees_with_statsmodels(both: int, first: int, second: int, neither: int) -> None:
    if both + first + second + neither == 0:
        return
    one = np.repeat([True, True, False, False], [both, first, second, neither])
    other = np.repeat([True, False, True, False], [both, first, second, neither])
    found = paired(one, other)
    theirs = their_mcnemar([[both, first], [second, neither]], exact=True).pvalue if first + second else 1.0
    assert found.p == pytest.approx(theirs, abs=1e-9)
    assert found.low <= found.difference <= found.high
    assert (found.only_first, found.only_second) == (first, second)


@given(counts, counts, counts, counts)
def test_the_paired_interval_turns_with_the_order(both: int, first: int, second: int, neither: int) -> None:
    if both + first + second + neither == 0:
        return
    low, high = paired_interval(both, first, second, neither)
    assert -1 <= low <= high <= 1
    assert paired_interval(both, second, first, neither) == pytest.approx((-high, -low))


def test_the_paired_interval_covers_the_truth_as_often_as_it_says() -> None:
    random, shares, hits = np.random.default_rng(0), (0.7, 0.13, 0.07, 0.1), 0
    for _ in range(2000):
        low, high = paired_interval(*map(int, random.multinomial(200, shares)))
        hits += low <= 0.06 <= high
    assert 0.94 <= hits / 2000 <= 0.97


def test_answers_to_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="same images"):
        paired(np.ones(3, bool), np.ones(4, bool))


def _group(name: str, *accuracies: float, images: int = 1000) -> Group:
    random = np.random.default_rng(len(name))
    right = np.stack([random.random(images) < accuracy for accuracy in accuracies])
    return Group(name, tuple(f"{name}-{n}" for n in range(len(accuracies))), right)


def test_several_comparisons_are_adjusted_by_holm() -> None:
    groups = [_group("a", 0.7), _group("bb", 0.75), _group("ccc", 0.9)]
    found = differences(groups, [str(n) for n in range(1000)])
    theirs = multipletests([each.p for each in found], method="holm")[1]
    assert [each.p_adjusted for each in found] == pytest.approx(list(theirs))
    assert found[1].is_real
    assert len(found[1].only_second) > len(found[1].only_first)


def test_seeds_of_one_recipe_are_compared_by_their_means() -> None:
    groups = [_group("several", 0.8, 0.8, 0.8), _group("one", 0.6)]
    found = differences(groups, [str(n) for n in range(1000)])[0]
    assert found.is_real
    assert found.low < found.difference < found.high
    low, high = groups[0].interval
    assert low < groups[0].accuracy < high
    same = differences([groups[0], Group("copy", ("x",), groups[0].right[:1])], [str(n) for n in range(1000)])
    assert not same[0].is_real


def _sure(images: int = 4000, sharpness: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities whose logits are too large by `sharpness`."""
    random = np.random.default_rng(1)
    logits = random.normal(size=(images, 3))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([random.choice(3, p=row) for row in true])
    return labels, at_temperature(true, 1 / sharpness)


def test_the_temperature_that_was_planted_is_found() -> None:
    labels, probabilities = _sure()
    assert fit_temperature(labels, probabilities) == pytest.approx(3.0, rel=0.1)
    before = expected_calibration_error(reliability(labels, probabilities))
    after = error_after_scaling(labels, probabilities)
    assert before > 0.2
    assert after < 0.04


def test_scaling_keeps_the_answer() -> None:
    _, probabilities = _sure(100)
    scaled = at_temperature(probabilities, 2.5)
    assert (scaled.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert scaled.sum(axis=1) == pytest.approx(np.ones(100))


def test_the_reliability_curve_holds_every_image_once() -> None:
    labels, probabilities = _sure(500)
    curve = reliability(labels, probabilities)
    assert sum(each.images for each in curve) == 500
    assert all(each.low < each.confidence <= each.high for each in curve)


def test_scores_of_a_known_case() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    found = scores(np.array([0, 1, 1, 1]), probabilities, ("cat", "dog"))
    assert found.accuracy == 0.75
    assert found.confusion == ((1, 0), (1, 2))
    cat, dog = found.classes
    assert (cat.precision, cat.recall, cat.support) == (0.5, 1.0, 1)
    assert (dog.precision, dog.recall, dog.support) == (1.0, pytest.approx(2 / 3), 3)
    assert found.roc_auc == 1.0
    assert found.interval == wilson(3, 4)


def test_a_class_that_is_never_answered_has_no_precision() -> None:
    found = scores(np.array([0, 0, 1]), np.tile([[0.9, 0.05, 0.05]], (3, 1)), ("a", "b", "c"))
    assert [each.precision for each in found.classes] == [pytest.approx(2 / 3), None, None]
    assert found.classes[2].recall is None
    assert found.roc_auc is None


def test_the_examples_of_the_page_are_right() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "honest.md").read_text(encoding="utf-8")
    for images in (1000, 100):
        low, high = accuracy_interval(0.75, images)
        assert f"{100 * low:.1f} to {100 * high:.1f} %" in " ".join(text.split())
    assert mcnemar(30, 10) == pytest.approx(0.002, abs=0.0005)
    assert round(1 / mcnemar(30, 10), -1) == 450
