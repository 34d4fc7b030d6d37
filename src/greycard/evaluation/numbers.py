"""Figures of predicted numbers: mean absolute error and R², with bootstrap intervals, and a guess to compare with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from greycard.core.randomness import BOOTSTRAP, generator
from greycard.core.records import Number
from greycard.tasks.target import Target

RESAMPLES = 1_000
_TOGETHER = 4_000_000
"""Numbers that are drawn at once, so that the memory does not grow with the number of images."""

_LEVEL = (2.5, 97.5)
"""The percentiles of a 95 % interval."""


@dataclass(frozen=True, kw_only=True)
class NumberScores:
    """How far predicted numbers are from the true ones, in the unit of the labels.

    Attributes:
        images: number of images.
        mae: the mean absolute error.
        mae_interval: its 95 % interval.
        rmse: the root of the mean squared error.
        r2: the share of the variance of the true numbers that the predictions explain: 1 is perfect, 0 is no better
            than the mean of these images; None if all true numbers are the same.
        r2_interval: its 95 % interval.
        guess_mae: the mean absolute error of always predicting the median of the training images.
        gain_interval: 95 % interval of the guess's error minus the model's error; above 0 if the model is better.
    """

    images: Number
    mae: float
    mae_interval: tuple[float, float]
    rmse: float
    r2: float | None
    r2_interval: tuple[float, float] | None
    guess_mae: float
    gain_interval: tuple[float, float]

    @property
    def learned(self) -> bool:
        """Whether the predictions are significantly better than the guess."""
        return self.gain_interval[0] > 0


def number_scores(labels: np.ndarray, predicted: np.ndarray, target: Target) -> NumberScores:
    """Measure predictions.

    Args:
        labels: the true numbers, float (n,), n at least 1.
        predicted: float (n,), finite.
        target: the training numbers.
    """
    true, found = labels.astype(np.float64), predicted.astype(np.float64)
    errors, guess = np.abs(found - true), np.abs(target.median - true)
    centred = true - true.mean()  # squares of large numbers would lose digits
    moments = np.stack([errors, errors**2, centred, centred**2, guess])
    drawn = resampled(moments, len(true))
    r2s = _r2(drawn)
    whole = moments.mean(axis=1)[:, None]
    varied = bool(true.std() > 0)
    return NumberScores(
        images=len(true),
        mae=float(whole[0, 0]),
        mae_interval=interval_of(drawn[0]),
        rmse=float(np.sqrt(whole[1, 0])),
        r2=float(_r2(whole)[0]) if varied else None,
        r2_interval=interval_of(r2s[np.isfinite(r2s)]) if varied and np.isfinite(r2s).any() else None,
        guess_mae=float(whole[4, 0]),
        gain_interval=interval_of(drawn[4] - drawn[0]),
    )


def resampled(values: np.ndarray, images: int, seed: int = 0) -> np.ndarray:
    """The means of bootstrap samples of the images, float64 (rows, `RESAMPLES`); the same images give the same means.

    Args:
        values: float64 (rows, images).
        images: their number.
        seed: of the samples.
    """
    random, means = generator(BOOTSTRAP, seed, images), np.empty((len(values), RESAMPLES))
    together = max(1, _TOGETHER // images)
    for start in range(0, RESAMPLES, together):
        count = min(together, RESAMPLES - start)
        rows = random.integers(0, images, (count, images))
        for place, row in enumerate(values):
            means[place, start : start + count] = row[rows].mean(axis=1)
    return means


def interval_of(means: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of bootstrap means."""
    low, high = np.percentile(means, _LEVEL)
    return float(low), float(high)


def _r2(moments: np.ndarray) -> np.ndarray:
    """R² of the means of squared errors, true numbers and their squares; NaN without variance."""
    variance = moments[3] - moments[2] ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 0, 1 - moments[1] / variance, np.nan)
