"""Numbers from a history, and a learned line read out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def best_epoch(history: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The history line with the highest validation accuracy, of equal ones that with the lowest loss, then the first.

    Where there is no accuracy, the lowest loss decides.
    """
    return max(history, key=_merit)


def _merit(line: dict[str, Any]) -> tuple[float, float]:
    """Accuracy before loss; an epoch whose loss is NaN is the worst."""
    if line["val_loss"] is None:
        return -1.0, float("-inf")
    return line.get("val_accuracy", 0.0), -line["val_loss"]


def kept_text(summary: Mapping[str, Any]) -> str | None:
    """How the weights of a run with `keep=best` were chosen; None for a run that kept its last epoch's."""
    epoch = summary.get("kept_epoch")
    if epoch is None:
        return None
    of = f"the best of {summary['epochs']} epochs" if summary["epochs"] > 1 else "the only epoch"
    return f"epoch {epoch}, {of}, chosen on validation"


def seconds_per_epoch(history: Sequence[dict[str, Any]]) -> float:
    """Mean seconds of an epoch, validation included; the first, which also compiles, counts only if it is alone."""
    settled = history[1:] or history
    return float(np.mean([line["seconds"] for line in settled]))


def read_line(weight: float, bias: float, asked: float, answer: float) -> str:
    """The house-price line in a sentence, prices in 100,000s."""
    return (
        f"price ≈ {bias:.2f} + {weight:.2f} × bedrooms (in 100,000s): a house costs about {100 * bias:.0f} thousand,"
        f" and {100 * weight:.0f} thousand more for each bedroom; asked for {asked:g} bedrooms, it answers {answer:.2f}"
    )
