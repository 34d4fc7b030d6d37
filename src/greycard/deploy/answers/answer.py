"""One answer of an answers file: the predicted class of an image, or why it could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from greycard.deploy.predict import Prediction

NONE_OF_THESE = "none of these"
"""The answer for an image that belongs to none of the classes."""

UNSURE = "unsure"
"""The group of images whose most likely class has a probability below the one that the user asks for."""


@dataclass(frozen=True)
class Answer:
    """One line.

    Attributes:
        path: the image's path as it was given, or the name of a frame.
        label: the most likely class; "" for an unreadable image.
        probability: of that class, calibrated.
        ranked: the most likely classes with their probabilities, the most likely first.
        error: why the image could not be read, or None.
        refused: whether it belongs to none of the classes.
        strangeness: how unlike the training images it is; None if the run cannot tell.
        one_of: the classes of the prediction set; None without one.
        review: whether it is refused or unsure, if the user asks for that.
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

    @property
    def group(self) -> str:
        """Its class, `none of these` or `unsure`."""
        if self.refused:
            return NONE_OF_THESE
        return UNSURE if self.review else self.label


def answer_of(found: Prediction, top: int, unsure: float | None) -> Answer:
    """A prediction as a line.

    Args:
        found: the prediction.
        top: how many of the most likely classes it has.
        unsure: a less likely class is to be reviewed; None for no review.
    """
    review = unsure is not None and not found.error and (found.refused or found.probability < unsure)
    return Answer(
        found.source,
        found.label,
        found.probability,
        tuple(found.top(top).items()),
        found.error,
        found.refused,
        found.strangeness,
        found.one_of,
        review,
    )


def as_text(name: str) -> str:
    """A path as text that every file can hold: bytes that are no text become backslash escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
