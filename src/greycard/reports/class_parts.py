"""The classes on a report page: figures, confusion matrix, most common confusions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from greycard.evaluation.scores import ClassScores, Scores
from greycard.reports import figures
from greycard.reports.columns import percent
from greycard.reports.drawing import as_png
from greycard.reports.image_urls import png_url

_WORST = 20
_CELLS = 26
"""The confusion matrix is a table up to this number of classes, and an image for more."""

_CONFUSIONS = 10
_ACROSS = 6
"""The maximum length of a column title in characters."""


@dataclass(frozen=True)
class Cell:
    """A cell of the matrix: number of images, fraction of the true class, and both in words."""

    count: int
    share: float
    text: str


@dataclass(frozen=True)
class Confusion:
    """Images of one class predicted as another class, and their fraction of the class."""

    true: str
    answered: str
    count: int
    share: float


@dataclass(frozen=True)
class ClassParts:
    """The data of the page's sections about classes.

    Attributes:
        every: the scores of each class.
        worst: the classes with the lowest recall if there are many; else all.
        cells: rows of the matrix; empty if there are too many classes.
        image: the matrix as a data URL in this case.
        upright: whether the column titles are vertical.
        confusions: the most common ones, for three classes or more.
    """

    every: Sequence[ClassScores]
    worst: Sequence[ClassScores]
    cells: tuple[tuple[Cell, ...], ...]
    image: str | None
    upright: bool
    confusions: tuple[Confusion, ...]


def class_parts(scores: Scores, names: Sequence[str]) -> ClassParts:
    """Build it from a run's scores and class names."""
    every, counts = scores.classes, np.array(scores.confusion)
    many = len(names) > _CELLS
    return ClassParts(
        every,
        every if len(every) <= _WORST else sorted(every, key=_recall)[:_WORST],
        () if many else tuple(_row(counts[number], number, names) for number in range(len(names))),
        png_url(as_png(figures.confusion(scores.confusion, names))) if many else None,
        max(map(len, names)) > _ACROSS,
        _confusions(counts, names) if len(names) > 2 else (),
    )


def _recall(each: ClassScores) -> float:
    return 2.0 if each.recall is None else each.recall


def _row(counts: np.ndarray, true: int, names: Sequence[str]) -> tuple[Cell, ...]:
    total = int(counts.sum())
    shares = counts / max(total, 1)
    return tuple(
        Cell(
            int(count),
            float(share),
            f"true {names[true]}, predicted {names[answered]}: {count:,} of {total:,} ({percent(float(share), 1)})",
        )
        for answered, (count, share) in enumerate(zip(counts, shares, strict=True))
    )


def _confusions(counts: np.ndarray, names: Sequence[str]) -> tuple[Confusion, ...]:
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_CONFUSIONS].tolist()
    pairs = [divmod(place, len(names)) for place in order]
    return tuple(
        Confusion(
            names[true],
            names[predicted],
            int(wrong[true, predicted]),
            float(wrong[true, predicted] / counts[true].sum()),
        )
        for true, predicted in pairs
        if wrong[true, predicted]
    )
