"""Numbers from a history, and a learned line read out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from greycard.core.epoch import Epoch


def best_epoch(history: Sequence[Epoch]) -> Epoch:
    """The epoch with the highest validation accuracy, of equal ones that with the lowest loss, then the first.

    Where there is no accuracy, the lowest loss decides.
    """
    return max(history, key=_merit)


def _merit(epoch: Epoch) -> tuple[float, float]:
    """Accuracy before loss; an epoch whose loss is NaN is the worst."""
    if epoch.val_loss is None:
        return -1.0, float("-inf")
    return epoch.val_accuracy or 0.0, -epoch.val_loss


def seconds_per_epoch(history: Sequence[Epoch]) -> float:
    """Mean seconds of an epoch, validation included; the first, which also compiles, counts only if it is alone."""
    settled = history[1:] or history
    return float(np.mean([epoch.seconds for epoch in settled]))


def read_line(weight: float, bias: float, asked: float, answer: float) -> str:
    """The house-price line in a sentence, prices in 100,000s."""
    return (
        f"price ≈ {bias:.2f} + {weight:.2f} × bedrooms (in 100,000s): a house costs about {100 * bias:.0f} thousand,"
        f" and {100 * weight:.0f} thousand more for each bedroom; asked for {asked:g} bedrooms, it answers {answer:.2f}"
    )
