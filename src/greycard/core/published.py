"""A project's published figures, as their author reported them on Colab GPUs in 2021 (docs/projects.md)."""

from __future__ import annotations

from dataclasses import dataclass

from greycard.core.records import Count, Fraction, Seconds


@dataclass(frozen=True)
class Published:
    """One row of the published table; accuracies are fractions of the last epoch, None where not reported."""

    train_images: Count | None = None
    val_images: Count | None = None
    epochs: Count | None = None
    train_accuracy: Fraction | None = None
    val_accuracy: Fraction | None = None
    seconds_per_epoch: Seconds | None = None
    note: str = ""
