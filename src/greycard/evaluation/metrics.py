"""Metrics of a history, and a learned line as a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from greycard.core.epoch import Epoch


def best_epoch(history: Sequence[Epoch]) -> Epoch:
    """The epoch with the highest validation accuracy; ties go to the lowest loss, then to the first epoch.

    Without accuracy, the lowest loss decides.
    """
    return max(history, key=_merit)


def _merit(epoch: Epoch) -> tuple[float, float]:
    """Sort key: accuracy, then loss; an epoch with a NaN loss is the worst."""
    if epoch.val_loss is None:
        return -1.0, float("-inf")
    return epoch.val_accuracy or 0.0, -epoch.val_loss


def seconds_per_epoch(history: Sequence[Epoch]) -> float:
    """Mean seconds of an epoch with validation, without the first epoch (it also compiles) if there are more."""
    settled = history[1:] or history
    return float(np.mean([epoch.seconds for epoch in settled]))


def read_line(weight: float, bias: float, bedrooms: float, answer: float) -> str:
    """The house-price line in a sentence, prices in 100,000s."""
    return (
        f"price ≈ {bias:.2f} + {weight:.2f} × bedrooms (in 100,000s): a house costs about {100 * bias:.0f} thousand,"
        f" and {100 * weight:.0f} thousand more for each bedroom; for {bedrooms:g} bedrooms it predicts {answer:.2f}"
    )
