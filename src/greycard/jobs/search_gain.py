"""What a recipe of a search gained over the best one before it, on the validation images that both read."""

from __future__ import annotations

import numpy as np

from greycard.evaluation.label_comparison import LabelGroup, label_group
from greycard.evaluation.thresholds import cross_fitted
from greycard.runs.record import RunRecord
from greycard.search.decide import gain_over, label_gain, number_gain
from greycard.search.record import Gain


def gain_of(run: RunRecord, name: str, best: RunRecord) -> Gain:
    """The gain by the task's own measure.

    Args:
        run: the new recipe's.
        name: of the best recipe before.
        best: its run.
    """
    rows = _common_rows(run, best)
    if run.task.has_several:
        return label_gain(name, *(_group(each, own) for each, own in zip((run, best), rows, strict=True)))
    judged = [_judged(each)[own] for each, own in zip((run, best), rows, strict=True)]
    return (gain_over if run.task.has_classes else number_gain)(name, *judged)


def _common_rows(run: RunRecord, other: RunRecord) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the images that both have read, sorted by id, in the predictions of each."""
    ids, others = run.predictions["ids"], other.predictions["ids"]
    _, first, second = np.intersect1d(ids, others, return_indices=True)
    return first, second


def _judged(run: RunRecord) -> np.ndarray:
    """Which predictions are right, bool (n,); of numbers, the absolute errors, float (n,)."""
    labels, outputs = run.predictions["labels"], run.predictions["probabilities"]
    if run.task.has_classes:
        return run.task.correct(labels, outputs)
    return np.abs(run.task.decide(outputs.astype(np.float64)) - labels)


def _group(run: RunRecord, rows: np.ndarray) -> LabelGroup:
    """The figures of several labels per image on some of the images, and on resamples of them."""
    labels, probabilities = run.predictions["labels"], run.predictions["probabilities"]
    decided = cross_fitted(labels, probabilities)[rows]
    return label_group(run.name, (run.name,), labels[rows], probabilities[rows][None], decided[None])
