"""Ridge regression on the features of a probe: the linear map with the smallest squared error and small weights.

It is solved exactly, from the products of the standardised features. Those of a fold are those of all images minus its
own, so cross-validation costs little more than one fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from threadpoolctl import threadpool_limits

from greycard.datasets.strata import strata
from greycard.training.logistic import Linear, Standard, Versions, row_blocks
from greycard.training.regularisation import FOLDS_COUNT, deal_folds

PENALTIES = tuple(10.0 ** (exponent / 2) for exponent in range(-8, 9))
"""The penalties that are compared, for each image and squared weight of a standardised feature: 0.0001 to 10,000."""

_UNDECIDED = 1.0
"""The penalty if no image can be left out."""


@dataclass(frozen=True)
class Ridge:
    """A fitted map and how its penalty was chosen.

    Attributes:
        linear: from unscaled features to the standardised number.
        penalty: the one with the lowest squared error on images that a fit did not use.
        losses: the mean squared error of each penalty; empty without folds.
    """

    linear: Linear
    penalty: float
    losses: Mapping[float, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Sums:
    """What a fit needs of some images: the sums of their features, targets and products, float64."""

    images: float
    features: np.ndarray
    targets: float
    products: np.ndarray
    by_target: np.ndarray

    def __sub__(self, other: _Sums) -> _Sums:
        return _Sums(*(mine - theirs for mine, theirs in zip(vars(self).values(), vars(other).values(), strict=True)))


def fit_ridge(
    versions: Versions,
    targets: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    seed: int = 0,
    on_step: Callable[[], object] = lambda: None,
) -> Ridge:
    """Choose the penalty by cross-validation and fit on all images.

    Args:
        versions: the features of each version of the images, float32 (n, features); a version counts as a part of its
            image.
        targets: float64 (n,), with mean 0 and deviation 1, about.
        groups: int (n,); images with equal numbers are in the same fold; None if no images belong together.
        seed: of the folds.
        on_step: called between the parts of the calculation; an exception ends it.
    """
    standard, everything = Standard.of(versions), np.arange(len(targets))
    folds = deal_folds(strata(targets), everything if groups is None else groups, FOLDS_COUNT, seed)
    with threadpool_limits(1, user_api="blas"):
        whole = _sums(versions, targets, everything, standard, on_step)
        losses = _losses(versions, targets, folds, standard, whole, on_step)
        penalty = min(losses, key=losses.__getitem__, default=_UNDECIDED)
        return Ridge(_solved(whole, (penalty,), standard)[0], penalty, losses)


def _losses(
    versions: Versions,
    targets: np.ndarray,
    folds: np.ndarray,
    standard: Standard,
    whole: _Sums,
    on_step: Callable[[], object],
) -> dict[float, float]:
    """The mean squared error of each penalty on the images in the folds, each by the fit that did not use it."""
    numbers = [fold for fold in range(folds.max() + 1) if 0 < np.sum(folds == fold) < len(folds)]
    squares, count = np.zeros(len(PENALTIES)), 0
    for fold in numbers:
        rows = np.flatnonzero(folds == fold)
        rest = whole - _sums(versions, targets, rows, standard, on_step)
        left_out = [each[rows] for each in versions]
        for place, linear in enumerate(_solved(rest, PENALTIES, standard)):
            squares[place] += np.sum((linear.logits(left_out)[:, 0] - targets[rows]) ** 2)
        count += len(rows)
        on_step()
    return dict(zip(PENALTIES, (squares / count).tolist(), strict=True)) if count else {}


def _sums(
    versions: Versions, targets: np.ndarray, rows: np.ndarray, standard: Standard, on_step: Callable[[], object]
) -> _Sums:
    """Of the standardised features of these images, in blocks."""
    size = len(standard.mean)
    features, products, by_target = np.zeros(size), np.zeros((size, size)), np.zeros(size)
    for each in versions:
        for block in row_blocks(len(rows)):
            part = rows[block]
            values = ((each[part] - standard.mean) / standard.deviation).astype(np.float32)
            features += values.sum(axis=0, dtype=np.float64)
            products += values.T @ values
            by_target += values.T @ targets[part]
            on_step()
    share = 1 / len(versions)
    return _Sums(len(rows), share * features, float(targets[rows].sum()), share * products, share * by_target)


def _solved(sums: _Sums, penalties: tuple[float, ...], standard: Standard) -> list[Linear]:
    """The fit for each penalty, by the eigenvectors of the products; the bias has no penalty."""
    mean, target = sums.features / sums.images, sums.targets / sums.images
    covariance = sums.products / sums.images - np.outer(mean, mean)
    slope = sums.by_target / sums.images - mean * target
    values, vectors = np.linalg.eigh(covariance)
    turned = vectors.T @ slope
    found = []
    for penalty in penalties:
        weights = vectors @ (turned / (np.maximum(values, 0) + penalty))
        unscaled = weights / standard.deviation
        bias = target - mean @ weights - standard.mean @ unscaled
        found.append(Linear(unscaled[:, None], np.array([bias])))
    return found
