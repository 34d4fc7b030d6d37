"""Numbers from a history, and a learned line read out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def best_epoch(history: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The first history line with the highest validation accuracy; the lowest loss where there is no accuracy."""
    if "val_accuracy" in history[0]:
        return max(history, key=lambda line: line["val_accuracy"])
    return min(history, key=lambda line: float("inf") if line["val_loss"] is None else line["val_loss"])


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
