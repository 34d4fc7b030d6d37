"""One answer of an answers file: the predicted class or labels of an image, or why it could not be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from greycard.datasets.label_lists import NO_LABEL

if TYPE_CHECKING:
    from greycard.deploy.answers.job import Question
    from greycard.deploy.predict import Prediction

NONE_OF_THESE = "none of these"
"""The answer for an image that belongs to none of the classes."""

UNSURE = "unsure"
"""The group of images whose class, or least sure label, has a probability below the one that the user asks for."""


@dataclass(frozen=True)
class Answer:
    """One line.

    Attributes:
        path: the image's path as it was given, or the name of a frame.
        label: the most likely class; "" for an unreadable image, and if an image can have several labels.
        probability: of that class, calibrated; of several labels, that of the least sure one (see `least_sure`).
        ranked: the most likely classes with their probabilities, the most likely first; of several labels all of them
            in the run's order.
        error: why the image could not be read, or None.
        refused: whether it belongs to none of the classes.
        strangeness: how unlike the training images it is; None if the run cannot tell.
        one_of: the classes of the prediction set; None without one.
        review: whether it is refused or unsure, if the user asks for that.
        labels: the predicted labels if an image can have several, perhaps none; None with one class per image.
    """

    path: str
    label: str
    probability: float
    ranked: tuple[tuple[str, float], ...]
    error: str | None = None
    refused: bool = False
    strangeness: float | None = None
    one_of: tuple[str, ...] | None = None
    review: bool = False
    labels: tuple[str, ...] | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """Its class, or each of its labels or `none`; or only `none of these` or `unsure`."""
        if self.refused or self.review:
            return (NONE_OF_THESE if self.refused else UNSURE,)
        return (self.label,) if self.labels is None else self.labels or (NO_LABEL,)


def answer_of(found: Prediction, asked: Question) -> Answer:
    """A prediction as a line."""
    facts = (found.error, found.refused, found.strangeness, found.one_of, found.is_unsure(asked.unsure))
    if asked.labels and not found.error:
        pairs = tuple((found.probabilities or {}).items())
        return Answer(found.source, "", found.confidence, pairs, *facts, labels=found.labels)
    return Answer(found.source, found.label, found.probability, tuple(found.top(asked.top).items()), *facts)


def least_sure(labels: Iterable[str], pairs: Iterable[tuple[str, float]]) -> float:
    """The probability that the least sure of several labels is predicted rightly: p if the image has it, else 1 - p.

    Args:
        labels: the predicted labels.
        pairs: every label of the run with its probability.
    """
    has = set(labels)
    return min(value if name in has else 1 - value for name, value in pairs)


def as_text(name: str) -> str:
    """A path as text that every file can hold: bytes that are no text become backslash escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
