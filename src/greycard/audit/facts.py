"""What a run keeps of the checks before training. Light to import, for those who only read runs."""

from __future__ import annotations

from dataclasses import dataclass

from greycard.core.records import Count, Fraction


@dataclass(frozen=True)
class Shift:
    """How well training and validation images can be told apart.

    Attributes:
        auc: of the classifier on images it was not trained on: 0.5 is not at all, 1 is always.
        low: the lower end of its 95 % interval.
        high: the upper end.
        features: what differs most between the parts, in words, the most telling first.
    """

    auc: Fraction
    low: Fraction
    high: Fraction
    features: tuple[str, ...]


@dataclass(frozen=True)
class Preflight:
    """What preflight found in a run's images.

    Attributes:
        train_counts: training images of each class.
        val_counts: validation images of each class.
        train_digest: of the training images: the same images, the same digest.
        leaks: validation images whose very pixels are in training, too.
        leak_example: the ids of such a pair, validation first.
        shift: None where there are too few images to tell.
    """

    train_counts: tuple[Count, ...]
    val_counts: tuple[Count, ...]
    train_digest: str
    leaks: Count
    leak_example: tuple[str, str] | None
    shift: Shift | None
