"""Proposals, choice and estimate: on features whose best classifier is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greycard.labelling.choice import margins_of, next_images, unsure_images
from greycard.labelling.estimate import LEAST, estimate
from greycard.labelling.groups import groups_of
from greycard.labelling.probe import Probe
from greycard.labelling.sample import random_order, sample_of
from greycard.labelling.teacher import Images, Teacher
from greycard.training.logistic import Standard
from variants import quick_are


def _clouds(count: int, distance: float, classes: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian clouds, one for each class, in 16 dimensions: features float32 (n, 16) and labels int (n,)."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count)
    centres = distance * np.eye(16)[:classes]
    return (centres[labels] + random.normal(size=(count, 16))).astype(np.float32), labels


def _images(features: np.ndarray, labels: np.ndarray, known: np.ndarray, classes: int, seed: int = 0) -> Images:
    keys = [f"{seed} {row}" for row in range(len(labels))]
    return Images(keys, features, np.where(known, labels, -1), np.zeros(len(labels), bool), classes)


def _probe(features: np.ndarray, classes: int = 2) -> Probe:
    return Probe(classes, Standard.of([features]))


@given(st.sets(st.integers(0, 39)), st.integers(0, 5))
def test_the_sample_is_the_labelled_head_of_one_random_order(known: set[int], seed: int) -> None:
    order = random_order([f"{seed}-{row}" for row in range(40)])
    assert sorted(order) == list(range(40))
    labelled = np.isin(np.arange(40), list(known))
    sample = sample_of(order, labelled)
    assert labelled[sample].all()
    assert list(sample) == list(order[: len(sample)])
    assert len(sample) == 40 or not labelled[order[len(sample)]]


def test_the_order_of_an_image_does_not_depend_on_the_others() -> None:
    few, many = [f"{row}" for row in range(20)], [f"{row}" for row in range(40)]
    among_many = [row for row in random_order(many) if row < 20]
    assert list(random_order(few)) == among_many


@given(st.integers(1, 30), st.integers(0, 60), st.integers(0, 3))
def test_every_second_image_to_label_is_the_next_random_one(count: int, known: int, seed: int) -> None:
    features, labels = _clouds(60, 1.0, seed=seed)
    images = _images(features, labels, np.arange(60) < known, 2, seed)
    order = random_order(images.keys)
    probabilities = np.random.default_rng(seed).dirichlet([1, 1], 60)
    rows = next_images(order, images.labelled, count, probabilities, features)
    unlabelled = [row for row in order if row >= known]
    assert len(rows) == min(count, len(unlabelled))
    assert len(set(rows)) == len(rows)
    assert all(row >= known for row in rows)
    assert set(unlabelled[: (count + 1) // 2]) <= set(rows)


def test_unsure_images_are_near_the_border_and_unlike_each_other() -> None:
    features = np.repeat(np.eye(4, dtype=np.float32), 5, axis=0)  # four kinds of images, five equal ones of each
    probabilities = np.stack([np.full(20, 0.5), np.full(20, 0.5)], axis=1)
    probabilities[15:] = [0.99, 0.01]
    chosen = unsure_images(probabilities, features, np.arange(20), 3)
    assert {int(row) // 5 for row in chosen} == {0, 1, 2}
    assert margins_of(probabilities)[0] == 0


def test_near_equal_images_are_one_group() -> None:
    features, _ = _clouds(50, 0.0)
    copies = np.concatenate([features, features * 1.01 + 0.001])
    groups = groups_of(copies)
    assert (groups[:50] == groups[50:]).all()
    assert len(np.unique(groups)) == 50
    assert len(groups_of(np.zeros((0, 4), np.float32))) == 0


def test_an_image_is_not_predicted_by_a_fit_on_its_copy() -> None:
    features = np.random.default_rng(0).normal(size=(200, 400)).astype(np.float32)
    labels = np.tile(np.random.default_rng(1).integers(0, 2, 200), 2)  # labels by chance, equal for both copies
    copies = np.concatenate([features, features])

    def accuracy(groups: np.ndarray) -> float:
        found = _probe(copies).out_of_fold(copies, labels, groups)
        return float(np.mean(found.argmax(axis=1) == labels))

    assert accuracy(groups_of(copies)) < 0.6 < accuracy(np.arange(400))


@pytest.mark.parametrize("classes", [2, 3])
def test_a_probe_separates_clouds(classes: int) -> None:
    features, labels = _clouds(400, 6.0, classes)
    probe = _probe(features, classes)
    for known in (20, 60):
        found = probe.probabilities(features[:known], labels[:known], features[known:])
        assert found.shape == (400 - known, classes)
        assert np.allclose(found.sum(axis=1), 1)
        assert np.mean(found.argmax(axis=1) == labels[known:]) > 0.9
    alone = np.where(np.arange(60) == 0, classes - 1, np.minimum(labels[:60], classes - 2))
    assert np.isnan(_probe(features, classes).out_of_fold(features[:60], alone, np.arange(60))[0]).all()


def test_no_accuracy_is_told_from_few_images() -> None:
    right = np.ones(LEAST - 1, bool)
    assert estimate(right, right, 1000) is None
    found = estimate(np.ones(LEAST, bool), np.ones(LEAST, bool), 1000)
    assert found is not None
    assert found.accuracy == 1
    assert found.target is not None


def test_more_labels_pay_until_half_of_them_do_as_well() -> None:
    every, none = np.ones(400, bool), np.zeros(400, bool)
    learning = estimate(every, np.where(np.arange(400) < 40, none, every), 1000)
    done = estimate(every, every, 1000)
    assert learning is not None
    assert done is not None
    assert learning.pays
    assert not done.pays


def test_the_target_says_how_many_images_are_needed_or_that_there_are_too_few() -> None:
    right = np.arange(100) < 80
    found = estimate(right, right, 10_000)
    assert found is not None
    assert found.target is not None
    assert found.target.width == 0.05
    more = np.arange(found.target.sample) < 0.8 * found.target.sample
    then = estimate(more, more, 10_000)
    assert then is not None
    assert (then.high - then.low) / 2 <= 0.05
    few = estimate(right, right, 110)
    assert few is not None
    assert few.target is None


def test_without_two_labels_of_each_class_all_images_are_random() -> None:
    features, labels = _clouds(60, 6.0)
    images = _images(features, labels, np.arange(60) < 1, 2)
    advice = Teacher().advise(images, 10)
    assert advice.probabilities is None
    assert advice.estimate is None
    unlabelled = [row for row in random_order(images.keys) if row >= 1]
    assert list(advice.next) == unlabelled[:10]


def test_a_wrong_label_is_suspected_with_the_right_class() -> None:
    features, labels = _clouds(300, 8.0, 3)
    given_labels = labels.copy()
    given_labels[:4] = (labels[:4] + 1) % 3
    advice = Teacher().advise(_images(features, given_labels, np.arange(300) < 200, 3), 8)
    assert advice.probabilities is not None
    found = {each.row: each.instead for each in advice.suspects}
    assert all(found.get(row) == labels[row] for row in range(4))
    assert len(found) <= 8
    assert np.isnan(advice.probabilities[:200]).all()
    assert (advice.probabilities[200:].argmax(axis=1) == labels[200:]).mean() > 0.98


@settings(deadline=None)
@given(st.integers(0, 3))
def test_the_interval_is_not_fooled_by_a_choice_of_hard_images(seed: int) -> None:
    features, labels = _clouds(4_000, 2.5, seed=seed)
    order = random_order([f"{seed} {row}" for row in range(4_000)])
    hard = np.argsort(np.abs(features[:, 0] - features[:, 1]))[:400]  # those between the clouds
    known = np.zeros(4_000, bool)
    known[order[:200]] = True
    known[hard] = True
    advice = Teacher().advise(_images(features, labels, known, 2, seed), 8)
    assert advice.estimate is not None
    assert advice.sample >= 200
    true = np.mean(_probe(features).probabilities(features[known], labels[known], features).argmax(axis=1) == labels)
    labelled_only = np.mean((features[known, 0] > features[known, 1]) == (labels[known] == 0))
    assert advice.estimate.low - 0.03 <= true <= advice.estimate.high + 0.03
    assert labelled_only < advice.estimate.low  # the accuracy on all labelled images would be far too low


def test_a_fit_after_one_more_label_gives_the_same_as_a_first_fit() -> None:
    features, labels = _clouds(300, 4.0)
    teacher = Teacher()
    for count in range(90, 121):
        advice = teacher.advise(_images(features, labels, np.arange(300) < count, 2), 8)
    fresh = Teacher().advise(_images(features, labels, np.arange(300) < 120, 2), 8)
    assert advice.probabilities is not None
    assert fresh.probabilities is not None
    assert np.allclose(advice.probabilities[120:], fresh.probabilities[120:], atol=0.02)
    assert advice.estimate == fresh.estimate


@pytest.mark.parametrize("classes", quick_are((2,), (2, 10)))
def test_labels_by_chance_get_the_accuracy_of_chance_however_often_it_is_fitted(classes: int) -> None:
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(140, 640)).astype(np.float32), random.integers(0, classes, 140)
    teacher = Teacher()
    for count in range(100, 125):
        advice = teacher.advise(_images(features, labels, np.arange(140) < count, classes), 8)
    fresh = Teacher().advise(_images(features, labels, np.arange(140) < 124, classes), 8)
    held_out = [_accuracy_of_all(each, features, labels) for each in (teacher, Teacher())]
    assert advice.estimate == fresh.estimate
    assert abs(held_out[0] - held_out[1]) < 0.02
    assert held_out[0] < 1 / classes + 0.15


def _accuracy_of_all(teacher: Teacher, features: np.ndarray, labels: np.ndarray) -> float:
    advice = teacher.advise(_images(features, labels, np.ones(len(labels), bool), int(labels.max()) + 1), 8)
    assert advice.estimate is not None
    return advice.estimate.accuracy


def test_one_burst_for_each_class_gives_no_accuracy() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(80) % 2
    features = (10 * np.eye(16)[labels] + 0.01 * random.normal(size=(80, 16))).astype(np.float32)
    advice = Teacher().advise(_images(features, labels, np.arange(80) < 60, 2), 8)
    assert advice.estimate is None
    assert list(advice.alike) == [0, 1]
    assert advice.probabilities is not None


def test_half_of_the_labels_is_half_of_the_bursts() -> None:
    random = np.random.default_rng(0)
    scenes, directions = np.repeat(np.arange(24), 10), random.normal(size=(24, 64))
    labels = scenes % 2
    centres = 6 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    features = (centres[scenes] + 0.05 * random.normal(size=(240, 64))).astype(np.float32)
    groups = groups_of(features)
    assert len(np.unique(groups)) == 24
    by_half = _probe(features).out_of_fold(features, labels, groups, half=True)
    assert np.isfinite(by_half).all(axis=1).mean() > 0.9


def test_thousands_of_nearly_equal_images_are_one_group() -> None:
    random = np.random.default_rng(0)
    burst = random.normal(size=32) + 0.001 * random.normal(size=(3_000, 32))
    others = random.normal(size=(10, 32))
    groups = groups_of(np.concatenate([burst, others]).astype(np.float32))
    assert len(np.unique(groups[:3_000])) == 1
    assert len(np.unique(groups)) == 11


def test_accepted_labels_teach_nothing_and_end_the_sample() -> None:
    features, labels = _clouds(300, 4.0)
    known = np.arange(300) < 120
    images = _images(features, labels, known, 2)
    order = random_order(images.keys)
    everything = Images(images.keys, features, labels, ~known, 2)
    advice, before = Teacher().advise(everything, 8), Teacher().advise(images, 8)
    assert advice.estimate == before.estimate
    assert advice.sample == before.sample == len(sample_of(order, known))
    assert not len(advice.next)
    wrong = Images(images.keys, features, np.where(known, labels, 1 - labels), ~known, 2)
    assert Teacher().advise(wrong, 8).estimate == before.estimate


def test_the_labels_needed_are_those_without_one_and_no_more_than_there_are() -> None:
    features, labels = _clouds(400, 2.5)
    order = random_order([f"0 {row}" for row in range(400)])
    known = np.zeros(400, bool)
    known[order[:100]] = True
    advice = Teacher().advise(_images(features, labels, known, 2), 8)
    assert advice.estimate is not None
    assert advice.estimate.target is not None
    assert advice.needed == min(2 * (advice.estimate.target.sample - 100), 300)
    known[order[100:390]] = True
    known[order[100]] = False  # so the sample has 100 images
    late = Teacher().advise(_images(features, labels, known, 2), 8)
    assert late.needed is not None
    assert late.needed <= 11
