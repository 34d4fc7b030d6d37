"""Scores of a classifier from its validation probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from greycard.evaluation.calibration import Bin, Calibration, calibration_of, reliability
from greycard.evaluation.intervals import wilson
from greycard.tasks.single_label import likeliest


@dataclass(frozen=True)
class ClassScores:
    """One class's figures on the validation images; fractions, None if undefined.

    Attributes:
        name: of the class.
        precision: fraction of the images predicted as this class that belong to it.
        recall: fraction of the class's images that are predicted correctly.
        recall_interval: 95 % interval of the recall.
        f1: the harmonic mean of precision and recall.
        support: number of images of the class.
    """

    name: str
    precision: float | None
    recall: float | None
    recall_interval: tuple[float, float] | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class Scores:
    """A classifier's figures on the validation images. Scores that need probabilities are None if one of them is NaN.

    Attributes:
        images: number of validation images.
        accuracy: fraction of correct predictions.
        interval: its 95 % interval.
        classes: each class's figures, in label order.
        confusion: number of images by true class (row) and predicted class (column).
        log_loss: mean over the images.
        calibration: of the probabilities.
        reliability: the reliability curve; empty with NaN.
        roc_auc: of the second of two classes; None for more classes, or if only one occurs.
    """

    images: int
    accuracy: float
    interval: tuple[float, float]
    classes: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    log_loss: float | None
    calibration: Calibration | None
    reliability: tuple[Bin, ...]
    roc_auc: float | None


def scores(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> Scores:
    """Accuracy with its interval, each class's figures, the confusion matrix, log loss, calibration and ROC AUC.

    Args:
        labels: int (n,), n at least 1.
        probabilities: float (n, classes), rows sum to 1.
        classes: the label names.
    """
    from sklearn.metrics import confusion_matrix

    guesses, every = likeliest(probabilities), np.arange(len(classes))
    right = int(np.sum(guesses == labels))
    numbers = bool(np.isfinite(probabilities).all())
    return Scores(
        images=len(labels),
        accuracy=right / len(labels),
        interval=wilson(right, len(labels)),
        classes=_each_class(labels, guesses, classes),
        confusion=tuple(map(tuple, confusion_matrix(labels, guesses, labels=every).tolist())),
        log_loss=_log_loss(labels, probabilities) if numbers else None,
        calibration=calibration_of(labels, probabilities) if numbers else None,
        reliability=tuple(reliability(labels, probabilities)) if numbers else (),
        roc_auc=_roc_auc(labels, probabilities) if numbers else None,
    )


def _each_class(labels: np.ndarray, guesses: np.ndarray, classes: Sequence[str]) -> tuple[ClassScores, ...]:
    from sklearn.metrics import precision_recall_fscore_support

    figures = precision_recall_fscore_support(labels, guesses, labels=np.arange(len(classes)), zero_division=np.nan)
    return tuple(
        ClassScores(
            name=name,
            precision=_number(p),
            recall=_number(r),
            recall_interval=wilson(round(r * n), int(n)) if n else None,
            f1=_number(f),
            support=int(n),
        )
        for name, p, r, f, n in zip(classes, *figures, strict=True)
    )


def _log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    from sklearn.metrics import log_loss

    clipped = np.clip(probabilities.astype(np.float64), 1e-7, 1)
    every = np.arange(probabilities.shape[1])
    return float(log_loss(labels, clipped / clipped.sum(axis=1, keepdims=True), labels=every))


def _roc_auc(labels: np.ndarray, probabilities: np.ndarray) -> float | None:
    from sklearn.metrics import roc_auc_score

    if probabilities.shape[1] != 2 or len(np.unique(labels)) < 2:
        return None
    return float(roc_auc_score(labels, probabilities[:, 1]))


def _number(value: float) -> float | None:
    """None if undefined, such as the precision of a class that was never predicted."""
    return None if np.isnan(value) else float(value)
