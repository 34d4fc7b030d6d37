"""What a run's model says about each of its validation images, for every task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from greycard.runs.record import RunRecord

Label = int | float | tuple[int, ...]
"""The number of a class, a true number, or the numbers of all labels of an image."""


@dataclass(frozen=True)
class Answer:
    """What the run's model says about a validation image.

    Attributes:
        place: the image's id now; None if it is no longer in the folder.
        recorded: its id when the run was trained.
        label: its label then.
        answer: the prediction.
        probability: of the predicted class, calibrated; None if it is NaN, and without one class per image.
    """

    place: str | None
    recorded: str
    label: Label
    answer: Label
    probability: float | None = None


def answers_of(run: RunRecord, places: Mapping[str, str]) -> tuple[Answer, ...]:
    """The answers for all validation images: the surest first, or the worst without one class per image.

    Args:
        run: a finished run on images.
        places: the present ids of its validation images, by their ids in the run.

    Returns:
        No answers if a predicted number is NaN or infinite.
    """
    found, task = run.predictions, run.task
    if task.has_one_class:
        return _by_sureness(run, places)
    if not np.isfinite(found["probabilities"]).all():
        return ()
    ids, labels, answers = found["ids"].tolist(), found["labels"], task.decide(found["probabilities"])
    return tuple(
        Answer(places.get(ids[row]), ids[row], _label(labels[row]), _label(answers[row]))
        for row in _worst_first(task.mistakes(labels, found["probabilities"]), len(ids))
    )


def _by_sureness(run: RunRecord, places: Mapping[str, str]) -> tuple[Answer, ...]:
    found = run.predictions
    rows = run.task.at_temperature(found["probabilities"], run.temperature)
    answers = run.task.decide(found["probabilities"])
    sureness = np.nan_to_num(rows[np.arange(len(rows)), answers])
    every = zip(found["ids"].tolist(), found["labels"].tolist(), answers.tolist(), sureness.tolist(), strict=True)
    listed = [Answer(places.get(id), id, label, answer, share or None) for id, label, answer, share in every]
    return tuple(listed[row] for row in np.argsort(-sureness, kind="stable"))


def _worst_first(mistakes: np.ndarray, count: int) -> list[int]:
    """The rows of mistakes, then the others."""
    return [*mistakes.tolist(), *np.setdiff1d(np.arange(count), mistakes).tolist()]


def _label(label: np.ndarray) -> Label:
    """A number, or the numbers of the labels that a row of 0 and 1 has."""
    return tuple(np.flatnonzero(label).tolist()) if np.ndim(label) else float(label)
