"""Figures of several labels per image: average precision and F1, with bootstrap intervals over the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from greycard.core.randomness import FOLDS, generator
from greycard.core.records import Count, Fraction
from greycard.evaluation.intervals import wilson

RESAMPLES = 1000
_MOST_WORK = 5e7
_LEAST_RESAMPLES = 200
QUANTILES = (0.025, 0.975)
"""Of a 95 % interval."""

_MOST_BIAS = 0.01
"""At least this share of the resamples counts as below the value, and as above it."""


@dataclass(frozen=True)
class Figure:
    """A figure with the ends of its 95 % interval, fractions."""

    value: Fraction
    low: Fraction
    high: Fraction


@dataclass(frozen=True)
class LabelScore:
    """One label's figures; None if undefined, as without an image that has the label.

    Attributes:
        name: of the label.
        threshold: from this probability on an image has the label, before calibration.
        average_precision: the mean of the precision over the recall, for every threshold.
        precision: fraction of the images predicted to have the label that have it.
        recall: fraction of the images with the label that are predicted to have it.
        f1: the harmonic mean of precision and recall.
        support: number of images with the label.
        predicted: number of images predicted to have it.
    """

    name: str
    threshold: float
    average_precision: Figure | None
    precision: Fraction | None
    recall: Fraction | None
    f1: Figure | None
    support: Count
    predicted: Count


@dataclass(frozen=True)
class LabelScores:
    """The figures of several labels per image.

    Attributes:
        images: number of images.
        mean_average_precision: the mean over the labels that occur.
        f1_micro: of all labels of all images together.
        f1_macro: the mean over the labels that occur or are predicted.
        exact: fraction of the images whose labels are all right and complete.
        labels: each label's figures, in order.
    """

    images: Count
    mean_average_precision: Figure | None
    f1_micro: Figure | None
    f1_macro: Figure | None
    exact: Fraction
    labels: tuple[LabelScore, ...]

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Of each label, before calibration."""
        return tuple(each.threshold for each in self.labels)


def label_scores(
    labels: np.ndarray,
    probabilities: np.ndarray,
    decisions: np.ndarray,
    names: Sequence[str],
    thresholds: Sequence[float],
    folds: np.ndarray | None = None,
) -> LabelScores:
    """Measure; the intervals are quantiles over resampled images.

    Args:
        labels: uint8 (n, classes) of 0 and 1, n at least 1.
        probabilities: float (n, classes); NaN counts as 0.
        decisions: uint8 (n, classes), the predicted labels.
        names: of the labels.
        thresholds: that future images are decided by.
        folds: int (n,), which of several models has predicted each image; None for one model. Average precisions are
            means over the models, because the probabilities of two models do not rank images.
    """
    ranked = np.nan_to_num(probabilities)
    weights = resample_weights(len(labels), labels.shape[1])
    precisions = _by_model(labels, ranked, weights, folds)
    hits, predicted, support = _counts(labels, decisions, weights)
    each_f1 = _ratio(2 * hits, predicted + support)
    return LabelScores(
        images=len(labels),
        mean_average_precision=figure_of(known_mean(precisions), len(labels)),
        f1_micro=figure_of(micro_f1(labels, decisions, weights), len(labels)),
        f1_macro=figure_of(known_mean(each_f1), len(labels)),
        exact=float(np.mean((labels == decisions).all(axis=1))),
        labels=tuple(
            LabelScore(
                name=name,
                threshold=float(thresholds[place]),
                average_precision=figure_of(precisions[:, place], int(support[0, place])),
                precision=_number(_ratio(hits[:1, place], predicted[:1, place])[0]),
                recall=_number(_ratio(hits[:1, place], support[:1, place])[0]),
                f1=figure_of(each_f1[:, place], int(support[0, place])),
                support=int(support[0, place]),
                predicted=int(predicted[0, place]),
            )
            for place, name in enumerate(names)
        ),
    )


def _by_model(labels: np.ndarray, ranked: np.ndarray, weights: np.ndarray, folds: np.ndarray | None) -> np.ndarray:
    """The mean over the models of the average precision of each label, float64 (rows, classes)."""
    models = [np.full(len(labels), True)] if folds is None else [folds == each for each in np.unique(folds)]
    each_model = [average_precisions(labels[rows], ranked[rows], weights[:, rows]) for rows in models]
    return known_mean(np.stack(each_model), axis=0)


def micro_f1(labels: np.ndarray, decisions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """F1 of all labels of all images together for each row of weights, float64 (rows,); NaN if it is undefined.

    Args:
        labels: uint8 (n, classes).
        decisions: uint8 (n, classes), the predicted labels.
        weights: how often each image counts, float (rows, n).
    """
    hits, predicted, support = (each.sum(axis=1) for each in _counts(labels, decisions, weights))
    return _ratio(2 * hits, predicted + support)


def _counts(labels: np.ndarray, decisions: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """How often each label is predicted rightly, is predicted, and is there: float64 (rows, classes) each."""
    hits, predicted, support = (weights @ each.astype(np.float64) for each in (labels * decisions, decisions, labels))
    return hits, predicted, support


def average_precisions(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """The average precision of each label for each row of weights, float64 (rows, classes); NaN if it is undefined.

    It is scikit-learn's: the sum over the thresholds of the precision times the recall that each one adds.

    Args:
        labels: uint8 (n, classes).
        probabilities: float (n, classes).
        weights: how often each image counts, float (rows, n); None for one row of ones.
    """
    counted = np.ones((1, len(labels))) if weights is None else weights
    found = [_average_precision(labels[:, each], probabilities[:, each], counted) for each in range(labels.shape[1])]
    return np.stack(found, axis=1)


def _average_precision(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    order = np.argsort(-probabilities, kind="stable")
    ranked, counted = probabilities[order], weights[:, order]
    ends = np.flatnonzero(np.append(ranked[:-1] != ranked[1:], True))  # equal probabilities have one threshold
    total = np.cumsum(counted, axis=1)[:, ends]
    hits = np.cumsum(counted * labels[order], axis=1)[:, ends]
    added = np.diff(hits, axis=1, prepend=0.0)
    return _ratio((added * hits / np.maximum(total, 1)).sum(axis=1), hits[:, -1])


def resample_weights(images: int, labels: int) -> np.ndarray:
    """The images themselves, and how often each occurs in each resample, float64 (resamples + 1, images)."""
    most = int(_MOST_WORK / (images * labels))
    resamples = min(RESAMPLES, max(_LEAST_RESAMPLES, most))
    random = generator(FOLDS, 1)
    drawn = [np.bincount(random.integers(0, images, images), minlength=images) for _ in range(resamples)]
    return np.stack([np.ones(images), *drawn])


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)


def known_mean(values: np.ndarray, axis: int = 1) -> np.ndarray:
    """The mean over those that have a value, as over the labels (rows, labels); NaN if none has one."""
    known = np.isfinite(values)
    return _ratio(np.where(known, values, 0.0).sum(axis=axis), known.sum(axis=axis).astype(np.float64))


def figure_of(values: np.ndarray, images: int) -> Figure | None:
    """The first value, with bias-corrected quantiles of the others.

    Average precision is higher in resamples than in the sample, so plain quantiles hold the truth too seldom.
    Source: Efron, "Nonparametric standard errors and confidence intervals" (1981).

    Without a single mistake, every resample is without one, too. Then the interval is Wilson's for as many right
    answers as there are images, and the same for only mistakes.
    """
    if not np.isfinite(values[0]):
        return None
    known = values[1:][np.isfinite(values[1:])]
    low, high = np.quantile(known, _bias_corrected(known, values[0])) if len(known) else (values[0], values[0])
    if values[0] in (0.0, 1.0) and images:
        exact = wilson(round(values[0] * images), images)
        low, high = min(low, exact[0]), max(high, exact[1])
    return Figure(*(float(np.clip(each, 0.0, 1.0)) for each in (values[0], low, high)))


def _bias_corrected(resampled: np.ndarray, value: float) -> np.ndarray:
    """The quantiles of an interval, moved by how many resamples are below the value; a tie counts as half."""
    below = float(np.mean(resampled < value) + np.mean(resampled == value) / 2)
    bias = ndtri(np.clip(below, _MOST_BIAS, 1 - _MOST_BIAS))
    return np.asarray(ndtr(2 * bias + ndtri(QUANTILES)))


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
