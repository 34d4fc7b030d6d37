"""Logistic regression by L-BFGS: binary with one unit, multinomial with one unit per class, or one for each label.

Features are standardised in the calculation, not in a copy. An image can have several versions; each counts as a part
of its image.

BLAS uses one thread. Its threads need more time to meet than one product takes (ten times as much processor time for
two classes), and the sums, so the result, would depend on their number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logsumexp, softmax
from threadpoolctl import threadpool_limits

from greycard.datasets.label_sets import has_several

_ITERATIONS = 300
_GRADIENT = 1e-4
"""L-BFGS stops when no element of the gradient of the mean loss is larger."""

_DECREASE = 1e-9
"""Or when a step lowers the mean loss by less than this fraction."""

_CONSTANT = 1e-6
"""A feature whose standard deviation is below this, relative to the largest, says nothing, so it gets no weight."""

_BLOCK = 8_192
"""Images that are computed together, so that the memory does not grow with the number of images."""

Versions = Sequence[np.ndarray]
"""The features of each version of the same images, float32 (n, features)."""


@dataclass(frozen=True)
class Standard:
    """The mean and the standard deviation of each feature, float64 (features,); infinite for a constant feature."""

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, versions: Versions) -> Standard:
        """Those of all versions together."""
        count = len(versions) * len(versions[0])
        sums = (each[rows].sum(axis=0, dtype=np.float64) for each in versions for rows in row_blocks(len(each)))
        mean = sum(sums) / count
        centre = mean.astype(np.float32)
        squares = (np.square(each[rows] - centre) for each in versions for rows in row_blocks(len(each)))
        deviation = np.sqrt(sum(each.sum(axis=0, dtype=np.float64) for each in squares) / count)
        constant = deviation <= _CONSTANT * max(deviation.max(initial=0.0), _CONSTANT)
        return cls(mean, np.where(constant, np.inf, deviation))


@dataclass(frozen=True)
class Linear:
    """A linear map from features to logits.

    Attributes:
        weights: float64 (features, units).
        bias: float64 (units,).
    """

    weights: np.ndarray
    bias: np.ndarray

    def logits(self, versions: Versions) -> np.ndarray:
        """The mean logits of the versions, float64 (n, units)."""
        weights = self.weights.astype(np.float32)
        return np.mean([each @ weights for each in versions], axis=0, dtype=np.float64) + self.bias


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The loss of each image, float64 (n,); `logits` are (n, 1) for two classes, else (n, classes).

    Several labels, uint8 (n, classes), have the sum of their binary losses, so each is a regression of its own.
    """
    if has_several(labels):
        return np.asarray((np.logaddexp(0, logits) - labels * logits).sum(axis=1))
    if logits.shape[1] == 1:
        return np.logaddexp(0, logits[:, 0]) - labels * logits[:, 0]
    return logsumexp(logits, axis=1) - logits[np.arange(len(labels)), labels]


def probabilities(logits: np.ndarray) -> np.ndarray:
    """The probability of each class, float64 (n, classes); `logits` are (n, 1) for two classes, else (n, classes)."""
    if logits.shape[1] == 1:
        second = expit(logits)
        return np.hstack([1 - second, second])
    return softmax(logits, axis=1)


def _residuals(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The gradient of the loss of each image by its logits."""
    if has_several(labels):
        return np.asarray(expit(logits) - labels)
    if logits.shape[1] == 1:
        return expit(logits) - labels[:, None]
    found = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    found[np.arange(len(labels)), labels] -= 1
    return found


def fit_logistic(
    versions: Versions,
    labels: np.ndarray,
    units: int,
    strength: float,
    *,
    rows: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    standard: Standard | None = None,
    start: np.ndarray | None = None,
    gradient: float = _GRADIENT,
    on_step: Callable[[], object] = lambda: None,
) -> tuple[Linear, np.ndarray]:
    """Minimise the mean cross-entropy plus an L2 penalty on the weights of standardised features.

    Args:
        versions: the features of the images.
        labels: int (n,), class numbers; or uint8 (n, classes), several labels per image.
        units: 1 for two classes, else the number of classes.
        strength: scikit-learn's C: the inverse of the penalty, for the sum of the losses.
        rows: bool (n,), the images to fit on; None for all.
        weights: float (n,), how much each image counts; None for all the same.
        standard: of the features, if it is known.
        start: the second result of an earlier fit, to begin with.
        gradient: stop when no element of the gradient is larger.
        on_step: called after every iteration; an exception ends the fit.

    Returns:
        The map from unscaled features to logits, and the solution on standardised features.
    """
    standard = standard or Standard.of(versions)
    counted = np.ones(len(labels)) if rows is None else rows.astype(np.float64)
    counted = counted if weights is None else counted * weights
    problem = _Problem(versions, labels, units, 1 / (strength * counted.sum()), counted, standard)
    with threadpool_limits(1, user_api="blas"):
        found = minimize(
            problem,
            np.zeros((problem.features + 1) * units) if start is None else start,
            jac=True,
            method="L-BFGS-B",
            callback=lambda _: on_step() and None,
            options={"maxiter": _ITERATIONS, "gtol": gradient, "ftol": _DECREASE},
        )
    return problem.linear(found.x), found.x


@dataclass(frozen=True)
class _Problem:
    """The loss and its gradient as a function of the solution, float64 ((features + 1) × units,)."""

    versions: Versions
    labels: np.ndarray
    units: int
    penalty: float
    counted: np.ndarray
    standard: Standard

    @property
    def features(self) -> int:
        return len(self.standard.mean)

    def linear(self, solution: np.ndarray) -> Linear:
        """The solution as a map from unscaled features."""
        table = solution.reshape(-1, self.units)
        weights = table[:-1] / self.standard.deviation[:, None]
        return Linear(weights, table[-1] - self.standard.mean @ weights)

    def __call__(self, solution: np.ndarray) -> tuple[float, np.ndarray]:
        linear, table = self.linear(solution), solution.reshape(-1, self.units)
        share = self.counted / (self.counted.sum() * len(self.versions))
        gradient, loss = np.zeros_like(table), 0.0
        for features, rows in ((each[rows], rows) for each in self.versions for rows in row_blocks(len(each))):
            logits = linear.logits([features])
            loss += float(share[rows] @ cross_entropy(logits, self.labels[rows]))
            residuals = share[rows, None] * _residuals(logits, self.labels[rows])
            by_weight = (features.T @ residuals.astype(np.float32)).astype(np.float64)
            total = residuals.sum(axis=0)
            gradient[:-1] += (by_weight - self.standard.mean[:, None] * total) / self.standard.deviation[:, None]
            gradient[-1] += total
        gradient[:-1] += self.penalty * table[:-1]
        return loss + self.penalty / 2 * float(np.sum(table[:-1] ** 2)), gradient.ravel()


def row_blocks(count: int) -> list[slice]:
    """The rows of images that are computed together."""
    return [slice(start, start + _BLOCK) for start in range(0, count, _BLOCK)]
