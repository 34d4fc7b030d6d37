"""One line of a run's history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from greycard.core.records import Fraction, Number, Seconds, from_json, to_json


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """What was measured in one epoch. A loss is None if it was NaN or infinite.

    Attributes:
        epoch: counted from 1.
        train_loss: mean over the epoch's steps, while the weights changed.
        train_accuracy: a fraction, measured like the loss; None for a task without classes.
        val_loss: on the validation images, after the epoch.
        val_accuracy: a fraction, measured like the loss; None for a task without classes.
        learning_rate: after the epoch; None in a history without it.
        seconds: of the whole epoch.
        train_seconds: of its training steps.
        val_seconds: of its validation.
    """

    epoch: Number
    train_loss: float | None
    train_accuracy: Fraction | None = None
    val_loss: float | None
    val_accuracy: Fraction | None = None
    learning_rate: float | None = None
    seconds: Seconds
    train_seconds: Seconds
    val_seconds: Seconds

    def to_json(self) -> dict[str, Any]:
        """A line of `history.jsonl`."""
        return to_json(self)

    @classmethod
    def from_json(cls, content: Any) -> Epoch:
        """Read the output of `to_json`; GreycardError for anything else."""
        return from_json(cls, content)
