"""Figures of several labels per image are scikit-learn's; thresholds are chosen on other images than they decide."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from greycard.evaluation.calibration import calibration_of, fit_temperature
from greycard.evaluation.label_comparison import LabelGroup, change_of, label_differences, label_group
from greycard.evaluation.label_scores import average_precisions, known_mean, label_scores, resample_weights
from greycard.evaluation.thresholds import LEAST, choose_thresholds, cross_fitted
from greycard.tasks.multilabel import MultiLabel, logit, sigmoid

SEEDS = st.integers(0, 2**32 - 1)


def _data(seed: int, images: int = 120, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Labels of different frequency, and probabilities that know something of them, with ties."""
    random = np.random.default_rng(seed)
    labels = (random.random((images, classes)) < np.linspace(0.05, 0.7, classes)).astype(np.uint8)
    logits = 2.0 * labels - 1 + random.normal(0, 1.5, labels.shape)
    return labels, np.round(sigmoid(logits), 2)


@given(seed=SEEDS)
def test_average_precision_is_scikit_learns(seed: int) -> None:
    labels, probabilities = _data(seed)
    random = np.random.default_rng(seed)
    weights = np.stack([np.ones(len(labels)), random.integers(0, 3, len(labels)).astype(float)])
    found = average_precisions(labels, probabilities, weights)
    for row, counted in enumerate(weights):
        for each in range(labels.shape[1]):
            if labels[counted > 0, each].any():
                expected = average_precision_score(labels[:, each], probabilities[:, each], sample_weight=counted)
                assert found[row, each] == pytest.approx(expected)
            else:
                assert np.isnan(found[row, each])


@given(seed=SEEDS)
def test_the_figures_are_scikit_learns(seed: int) -> None:
    labels, probabilities = _data(seed)
    decided = MultiLabel(4).decide(probabilities)
    found = label_scores(labels, probabilities, decided, "abcd", (0.5,) * 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        each = {
            name: score(labels, decided, average=None, zero_division=np.nan)
            for name, score in (("f1", f1_score), ("precision", precision_score), ("recall", recall_score))
        }
        occurring = labels.any(axis=0)
        mean = average_precision_score(labels[:, occurring], probabilities[:, occurring], average="macro")
        micro, macro = (f1_score(labels, decided, average=name, zero_division=np.nan) for name in ("micro", "macro"))
    assert found.mean_average_precision is not None
    assert found.mean_average_precision.value == pytest.approx(mean)
    assert found.f1_micro is not None
    assert found.f1_micro.value == pytest.approx(micro)
    assert found.f1_macro is not None
    assert found.f1_macro.value == pytest.approx(macro)
    assert found.exact == np.mean((labels == decided).all(axis=1))
    for place, score in enumerate(found.labels):
        assert (score.support, score.predicted) == (labels[:, place].sum(), decided[:, place].sum())
        _same(score.f1.value if score.f1 else None, each["f1"][place])
        _same(score.precision, each["precision"][place])
        _same(score.recall, each["recall"][place])


def _same(found: float | None, expected: float) -> None:
    assert (found is None) == bool(np.isnan(expected))
    assert found is None or found == pytest.approx(expected)


def test_nearly_all_intervals_hold_the_true_figure() -> None:
    """The truth is the figure of very many images of the same kind; each of 40 samples has 200."""
    labels, probabilities = _data(0, 100_000, 3)
    decided = MultiLabel(3).decide(probabilities)
    whole = average_precisions(labels, probabilities)[0].mean()
    micro = 2 * (labels * decided).sum() / (labels.sum() + decided.sum())
    held = np.zeros(2)
    for start in range(0, 8_000, 200):
        part = slice(start, start + 200)
        found = label_scores(labels[part], probabilities[part], decided[part], "abc", (0.5,) * 3)
        for place, (figure, truth) in enumerate(((found.mean_average_precision, whole), (found.f1_micro, micro))):
            assert figure is not None
            held[place] += figure.low <= truth <= figure.high
    assert (held >= 34).all()


def test_a_label_without_images_has_no_figures_and_counts_in_no_mean() -> None:
    labels, probabilities = _data(1)
    labels[:, 0] = 0
    decided = MultiLabel(4).decide(probabilities)
    decided[:, 0] = 0
    found = label_scores(labels, probabilities, decided, "abcd", (0.5,) * 4)
    assert found.labels[0].average_precision is found.labels[0].f1 is None
    others = label_scores(labels[:, 1:], probabilities[:, 1:], decided[:, 1:], "bcd", (0.5,) * 3)
    assert found.mean_average_precision is not None
    assert others.mean_average_precision is not None
    assert found.mean_average_precision.value == pytest.approx(others.mean_average_precision.value)


@settings(max_examples=30)
@given(seed=SEEDS)
def test_a_chosen_threshold_has_the_highest_f1_of_all(seed: int) -> None:
    labels, probabilities = _data(seed)
    chosen = choose_thresholds(labels, probabilities)
    for each, threshold in enumerate(chosen):
        own = labels[:, each]
        if own.sum() < LEAST:
            assert threshold == 0.5
            continue
        best = max(_f1(own, probabilities[:, each] >= limit) for limit in np.linspace(0, 1, 101))
        assert _f1(own, probabilities[:, each] >= threshold) >= best - 1e-12
        assert np.abs(probabilities[:, each] - threshold).min() > 1e-3  # no image on the threshold


def _f1(labels: np.ndarray, decided: np.ndarray) -> float:
    return float(2 * (labels * decided).sum() / (labels.sum() + decided.sum()))


def test_no_image_has_a_part_in_the_thresholds_it_is_decided_by() -> None:
    """With probabilities that know nothing, thresholds chosen on the same images would look better than chance."""
    random = np.random.default_rng(0)
    gains = []
    for _ in range(40):
        labels = (random.random((60, 3)) < 0.3).astype(np.uint8)
        probabilities = random.random((60, 3))
        same = (probabilities >= choose_thresholds(labels, probabilities)).astype(np.uint8)
        other = cross_fitted(labels, probabilities)
        gains.append(f1_score(labels, same, average="micro") - f1_score(labels, other, average="micro"))
    assert np.mean(gains) > 0.02


def test_calibration_of_several_labels_is_that_of_each_label() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (3000, 3))
    labels = (random.random((3000, 3)) < sigmoid(logits)).astype(np.uint8)
    assert fit_temperature(labels, sigmoid(logits)) == pytest.approx(1, abs=0.05)
    found = calibration_of(labels, sigmoid(2.5 * logits))
    assert found.temperature == pytest.approx(2.5, rel=0.05)
    assert found.error_after_scaling < 0.02 < found.error
    np.testing.assert_allclose(
        MultiLabel(3).at_temperature(sigmoid(2.5 * logits), 2.5), sigmoid(logit(sigmoid(2.5 * logits)) / 2.5)
    )


def _group(name: str, labels: np.ndarray, *probabilities: np.ndarray) -> LabelGroup:
    decided = np.stack([cross_fitted(labels, each) for each in probabilities])
    runs = [f"{name}-{number}" for number in range(len(probabilities))]
    return label_group(name, runs, labels, np.stack(probabilities), decided)


def test_a_comparison_is_of_the_same_resampled_images() -> None:
    """The difference of two figures is more certain than each of them, and a model does not differ from itself."""
    labels, probabilities = _data(3)
    worse = np.clip(probabilities + np.random.default_rng(0).normal(0, 0.25, labels.shape), 0, 1)
    one, other = _group("one", labels, probabilities), _group("other", labels, worse)
    ids = [str(number) for number in range(len(labels))]
    (found,) = label_differences([one, other], ids)
    assert one.mean_average_precision is not None
    assert other.mean_average_precision is not None
    difference = one.mean_average_precision.value - other.mean_average_precision.value
    assert found.difference == pytest.approx(difference)
    assert 0 < found.low < difference < found.high
    assert found.is_real
    wide = [each.high - each.low for each in (one.mean_average_precision, other.mean_average_precision)]
    assert found.high - found.low < sum(wide)
    (turned,) = label_differences([other, one], ids)
    assert turned.difference == pytest.approx(-difference)
    assert turned.only_first == found.only_second
    (same,) = label_differences([one, one], ids)
    assert (same.difference, same.low, same.high, same.p) == (0, 0, 0, 1)


def test_seeds_of_one_recipe_are_averaged() -> None:
    labels, probabilities = _data(5)
    worse = np.clip(probabilities + np.random.default_rng(1).normal(0, 0.2, labels.shape), 0, 1)
    both = _group("both", labels, probabilities, worse)
    singles = [_group("a", labels, each).mean_average_precision for each in (probabilities, worse)]
    values = [each.value for each in singles if each is not None]
    assert both.mean_average_precision is not None
    assert both.mean_average_precision.value == pytest.approx(np.mean(values))
    assert both.range == pytest.approx((min(values), max(values)))


def test_average_precisions_of_two_models_are_means() -> None:
    """One that has lower probabilities than the other would otherwise rank its images last."""
    labels, probabilities = _data(9)
    folds = np.arange(len(labels)) % 2
    moved = np.where(folds[:, None] == 1, probabilities / 10, probabilities)
    decided = cross_fitted(labels, probabilities)
    found = label_scores(labels, moved, decided, "abcd", (0.5,) * 4, folds)
    each = [average_precisions(labels[folds == fold], moved[folds == fold])[0] for fold in (0, 1)]
    assert found.mean_average_precision is not None
    assert found.mean_average_precision.value == pytest.approx(np.nanmean(np.nanmean(each, axis=0)))
    assert found.mean_average_precision.low < found.mean_average_precision.value < found.mean_average_precision.high


@pytest.mark.slow
def test_the_interval_of_a_difference_holds_the_truth() -> None:
    """95 % of the intervals should; with 300 of them, less than 92 % would be a wrong interval."""
    images, samples, noise = 60, 300, (0.8, 1.3)
    draw = np.random.default_rng(0)
    truth = _precision_of_two(*_two_models(draw, 100_000, noise))
    covered = 0
    for _ in range(samples):
        labels, one, other = _two_models(draw, images, noise)
        weights = resample_weights(*labels.shape)
        each = [known_mean(average_precisions(labels, found, weights)) for found in (one, other)]
        change = change_of(each[0] - each[1])
        covered += change.low <= truth <= change.high
    assert covered >= 0.92 * samples


def _two_models(draw: np.random.Generator, images: int, noise: tuple[float, float]) -> tuple[np.ndarray, ...]:
    """Labels, and the probabilities of two models that find the same images difficult."""
    labels = (draw.random((images, 3)) < np.linspace(0.1, 0.5, 3)).astype(np.uint8)
    difficult = 2.0 * labels - 1 + draw.normal(0, 1, labels.shape)
    return labels, *(sigmoid(difficult + draw.normal(0, each, labels.shape)) for each in noise)


def _precision_of_two(labels: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    return float(np.mean(average_precisions(labels, one)[0] - average_precisions(labels, other)[0]))
