"""One answer of an answers file: the predicted class of an image, or why it could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from greycard.deploy.predict import Prediction


@dataclass(frozen=True)
class Answer:
    """One line.

    Attributes:
        path: the image's path as it was given, or the name of a frame.
        label: the answer, such as a class; "" for an unreadable image.
        probability: of the most likely class, calibrated.
        ranked: the most likely classes with their probabilities, the most likely first.
        error: why the image could not be read, or None.
    """

    path: str
    label: str
    probability: float
    ranked: tuple[tuple[str, float], ...]
    error: str | None


def answer_of(found: Prediction, top: int) -> Answer:
    """A prediction with its `top` most likely classes."""
    return Answer(found.source, found.answer, found.probability, tuple(found.top(top).items()), found.error)


def as_text(name: str) -> str:
    """A path as text that every file can hold: bytes that are no text become backslash escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
