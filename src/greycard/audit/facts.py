"""The results of the checks before training, as a run stores them. Importing this module is fast."""

from __future__ import annotations

from dataclasses import dataclass

from greycard.core.records import Count, Fraction


@dataclass(frozen=True)
class Shift:
    """How well a classifier separates training and validation images.

    Attributes:
        auc: its cross-validated ROC AUC: 0.5 is chance, 1 is perfect.
        low: lower end of the 95 % interval of the AUC.
        high: upper end of that interval.
        features: the features that differ most between the splits, in words, the strongest first.
    """

    auc: Fraction
    low: Fraction
    high: Fraction
    features: tuple[str, ...]


@dataclass(frozen=True)
class Preflight:
    """The results of the preflight check.

    Attributes:
        train_counts: number of training images of each class; empty if the labels are numbers.
        val_counts: number of validation images of each class.
        train_digest: digest of the training images.
        leaks: number of validation images with the same pixels as a training image.
        leak_example: the ids of such a pair, validation first.
        shift: the difference between the splits; None if there are too few images.
    """

    train_counts: tuple[Count, ...]
    val_counts: tuple[Count, ...]
    train_digest: str
    leaks: Count
    leak_example: tuple[str, str] | None
    shift: Shift | None
