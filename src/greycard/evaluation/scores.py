"""Everything that validation probabilities tell about a classifier, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from greycard.evaluation.calibration import calibration_facts, reliability
from greycard.evaluation.intervals import wilson
from greycard.tasks.single_label import likeliest


def scores(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """Accuracy with its interval, each class's figures, the confusion matrix, log loss, calibration and ROC AUC.

    Args:
        labels: int (n,), n at least 1.
        probabilities: float (n, classes), rows sum to 1.
        classes: the label names.

    Returns:
        `images`, `accuracy`, `interval`, `classes` (a dict a class), `confusion` (rows are true classes), `log_loss`,
        `calibration`, `reliability` and, for two classes, `roc_auc`: of the second class, None where only one occurs.
        Probabilities that are no numbers, as a diverged run has them, leave None for what is made of them.
    """
    from sklearn.metrics import confusion_matrix

    guesses, every = likeliest(probabilities), np.arange(len(classes))
    right = int(np.sum(guesses == labels))
    numbers = bool(np.isfinite(probabilities).all())
    return {
        "images": len(labels),
        "accuracy": right / len(labels),
        "interval": list(wilson(right, len(labels))),
        "classes": _each_class(labels, guesses, classes),
        "confusion": confusion_matrix(labels, guesses, labels=every).tolist(),
        "log_loss": _log_loss(labels, probabilities) if numbers else None,
        "calibration": calibration_facts(labels, probabilities) if numbers else None,
        "reliability": [each.to_json() for each in reliability(labels, probabilities)] if numbers else [],
        "roc_auc": _roc_auc(labels, probabilities) if numbers else None,
    }


def _each_class(labels: np.ndarray, guesses: np.ndarray, classes: Sequence[str]) -> list[dict[str, Any]]:
    from sklearn.metrics import precision_recall_fscore_support

    figures = precision_recall_fscore_support(labels, guesses, labels=np.arange(len(classes)), zero_division=np.nan)
    return [
        {
            "class": name,
            "precision": _number(p),
            "recall": _number(r),
            "recall_interval": list(wilson(round(r * n), int(n))) if n else None,
            "f1": _number(f),
            "support": int(n),
        }
        for name, p, r, f, n in zip(classes, *figures, strict=True)
    ]


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
    """None where there is no such figure: the precision of a class that was never answered."""
    return None if np.isnan(value) else float(value)
