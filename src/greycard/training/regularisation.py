"""Choose the regularisation of a logistic regression by cross-validation on the training images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from greycard.core.randomness import FOLDS, SUBSET, generator
from greycard.datasets.strata import strata
from greycard.training.logistic import Standard, Versions, cross_entropy, fit_logistic

STRENGTHS = tuple(10.0 ** (exponent / 2) for exponent in range(-8, 3))
"""The values of C that are compared, from strong to weak regularisation: 0.0001 to 10."""

FOLDS_COUNT = 5
MOST_IMAGES = 4_000
"""Cross-validation uses at most so many images; with more the choice hardly changes, and takes longer."""

_MOST_WORK = 2e9
"""And at most so many multiplications in one pass over the images, as with many classes."""

_GRADIENT = 1e-3
"""A fit that only has to be compared can stop earlier than the final one."""

_UNDECIDED = 0.01
"""C if no image can be left out because each class has one image."""

_FIRST = 4
"""The place of the first value to try, 0.01. From there the search goes uphill: the loss has one lowest point."""


@dataclass(frozen=True)
class Choice:
    """The result of the cross-validation.

    Attributes:
        strength: the C with the lowest mean loss on images that the fit did not use.
        losses: the mean loss of each C that was tried; empty without folds.
    """

    strength: float
    losses: Mapping[float, float] = field(default_factory=dict)


def choose_strength(
    versions: Versions,
    labels: np.ndarray,
    units: int,
    *,
    groups: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    seed: int = 0,
    on_step: Callable[[], object] = lambda: None,
) -> Choice:
    """Compare the values of C by cross-validation.

    Args:
        versions: the features of each version of the training images, float32 (n, features).
        labels: int (n,), or uint8 (n, classes), several labels per image.
        units: 1 for two classes, else the number of classes.
        groups: int (n,); images with equal numbers are in the same fold; None if no images belong together.
        weights: float (n,), how much each image counts; None for all the same.
        seed: of the folds and of the images if not all are used.
        on_step: called after every iteration of a fit.
    """
    chosen = _some(labels, len(versions) * versions[0].shape[1] * units, seed)
    labels = labels[chosen]
    folds = deal_folds(labels, np.arange(len(labels)) if groups is None else groups[chosen], FOLDS_COUNT, seed)
    if not (folds >= 0).any():
        return Choice(_UNDECIDED)
    parts = versions if len(chosen) == len(versions[0]) else [each[chosen] for each in versions]
    counts = None if weights is None else weights[chosen]
    measured = _measured(parts, labels, units, folds, counts, on_step)
    losses: dict[float, float] = {}
    place, step = _FIRST, 1
    while 0 <= place < len(STRENGTHS):
        losses[STRENGTHS[place]] = measured(STRENGTHS[place])
        if min(losses, key=losses.__getitem__) == STRENGTHS[place]:
            place += step
        elif step == 1 and len(losses) == 2:  # the second value is worse: search the other way
            place, step = _FIRST - 1, -1
        else:
            break
    return Choice(min(losses, key=losses.__getitem__), losses)


def _measured(
    versions: Versions,
    labels: np.ndarray,
    units: int,
    folds: np.ndarray,
    weights: np.ndarray | None,
    on_step: Callable[[], object],
) -> Callable[[float], float]:
    """A function from C to the mean loss of the images in the folds, each by the fit that did not use it."""
    standard = Standard.of(versions)
    starts: dict[int, np.ndarray] = {}  # each fit begins at the solution for the C before it

    tested = folds >= 0

    def measured(strength: float) -> float:
        losses = np.zeros(len(labels))
        for fold in np.unique(folds[tested]):
            out = folds == fold
            linear, starts[fold] = fit_logistic(
                versions, labels, units, strength,
                rows=~out, weights=weights, standard=standard, start=starts.get(fold), gradient=_GRADIENT,
                on_step=on_step,
            )  # fmt: skip
            losses[out] = cross_entropy(linear.logits([each[out] for each in versions]), labels[out])
        return float(np.average(losses[tested], weights=None if weights is None else weights[tested]))

    return measured


def deal_folds(labels: np.ndarray, groups: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The fold of each image, int (n,); -1 for an image that is always fitted on.

    Groups are dealt one by one, each to the fold with the fewest images of its class. A class in a single group stays
    out of the folds: a fit without any of its images says nothing about it.

    Args:
        labels: int (n,), or uint8 (n, classes), then the rarest label of an image counts.
        groups: int (n,); images with equal numbers stay together; their first image's class counts.
        count: number of folds; there are fewer if no class has so many groups.
        seed: of the order.
    """
    labels = strata(labels)
    names, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    sizes, classes = np.bincount(group_of), labels[first]
    often = np.bincount(classes, minlength=labels.max() + 1) > 1
    dealt = np.zeros((labels.max() + 1, count), dtype=np.int64)
    fold_of = np.full(len(names), -1)
    order = generator(FOLDS, seed).permutation(len(names))
    for name in order[np.argsort(-sizes[order], kind="stable")]:
        label = classes[name]
        if often[label]:
            fold = int(np.lexsort((dealt.sum(axis=0), dealt[label]))[0])
            dealt[label, fold] += sizes[name]
            fold_of[name] = fold
    return fold_of[group_of]


def _some(labels: np.ndarray, work: int, seed: int) -> np.ndarray:
    """The rows of the images to use, sorted: all, or the same share of each class and at least two images of each."""
    most = min(MOST_IMAGES, int(_MOST_WORK / work))
    if len(labels) <= most:
        return np.arange(len(labels))
    labels, order = strata(labels), generator(SUBSET, seed).permutation(len(labels))
    by_class = (order[labels[order] == label] for label in np.unique(labels))
    return np.sort(np.concatenate([rows[: max(2, len(rows) * most // len(labels))] for rows in by_class]))
