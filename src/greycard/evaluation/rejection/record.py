"""What a run knows about rejection: the scores that its limit is set by, and the promise with what was measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from greycard.core.randomness import BANK, generator
from greycard.core.records import Count, Fraction, Number
from greycard.evaluation.intervals import wilson
from greycard.evaluation.rejection.promise import expect_share, limit, promised_share
from greycard.models.strangeness import Strangeness, kth_nearest

MOST_CALIBRATION = 4_000
"""The most images that set the limit and measure the refused share."""

_ROUNDING = 2e-3
"""The distance between equal features is below this in every format; it is not always 0 in float32."""


@dataclass(frozen=True)
class Refused:
    """How many of a number of images are refused.

    Attributes:
        refused: number of refused images.
        images: number of images.
    """

    refused: Count
    images: Number

    @property
    def share(self) -> float:
        return self.refused / self.images

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the share."""
        return wilson(self.refused, self.images)


@dataclass(frozen=True)
class Rejection:
    """The promise of a run, and what was measured.

    Attributes:
        share: at most this share of the classes' own images is refused, with 95 % confidence.
        limit: images of larger strangeness are refused.
        calibrated_on: the split of the calibration images, `validation` or `test`.
        calibration_images: number of images that set the limit.
        own: of other images of the same split; None if there are too few to measure.
        strangers: of images that belong to no class; None if that is not known.
        strangers_are: `images` of a folder, or `classes` if each class was left out and its own images were asked.
    """

    share: Fraction
    limit: float
    calibrated_on: str
    calibration_images: Number
    own: Refused | None
    strangers: Refused | None
    strangers_are: str


IMAGES, CLASSES = "images", "classes"
"""What the strangers are: images of a folder, or each class without itself among the training images."""


@dataclass(frozen=True)
class Scores:
    """The strangeness of images that the score was not fitted to, for a limit at any share.

    Attributes:
        calibrated_on: the split of the calibration images, `validation` or `test`.
        ids: of the calibration images, in the order of their scores.
        calibration: of the images that set the limit, float64 (n,), sorted.
        own: of the images that measure the refused share, float64 (m,), sorted; m may be 0.
        strangers: of images that belong to no class, float64 (s,), sorted; s may be 0.
        strangers_are: `images` or `classes`.
    """

    calibrated_on: str
    ids: tuple[str, ...]
    calibration: np.ndarray
    own: np.ndarray
    strangers: np.ndarray
    strangers_are: str

    def rejection(self) -> Rejection | None:
        """The promise for the smallest of the usual shares that can be promised; None if there is none."""
        share = promised_share(len(self.calibration))
        return None if share is None else self.rejection_at(share)

    def rejection_at(self, share: float) -> Rejection:
        """The promise for a share.

        Raises:
            GreycardError: the share cannot be promised with so few images.
        """
        above = distance_limit(self.calibration, share)
        return Rejection(
            share=share,
            limit=above,
            calibrated_on=self.calibrated_on,
            calibration_images=len(self.calibration),
            own=_refused(self.own, above),
            strangers=_refused(self.strangers, above),
            strangers_are=self.strangers_are,
        )


def calibrate(
    split: str, ids: tuple[str, ...], scores: np.ndarray, strangers: np.ndarray, strangers_are: str, seed: int
) -> Scores:
    """Divide the images into those that set the limit and those that measure the refused share.

    Half of them do each, unless only a larger share could be promised then: with few images, all set the limit.

    Args:
        split: `validation` or `test`.
        ids: of the images, which the score was not fitted to.
        scores: their strangeness, float (n,).
        strangers: the strangeness of images that belong to no class, float (s,).
        strangers_are: `images` or `classes`.
        seed: of the halves.
    """
    share = promised_share(len(ids))
    order = generator(BANK, seed, 1).permutation(len(ids))
    half = order[: (len(ids) + 1) // 2]
    used = half if share is not None and promised_share(len(half)) == share else order
    used = used[np.argsort(scores[used], kind="stable")]
    return Scores(
        calibrated_on=split,
        ids=tuple(ids[row] for row in used),
        calibration=scores[used],
        own=np.sort(np.delete(scores, used)),
        strangers=np.sort(strangers),
        strangers_are=strangers_are,
    )


def without_own_class(
    score: Strangeness, features: np.ndarray, labels: np.ndarray, bank_labels: np.ndarray
) -> np.ndarray:
    """The strangeness of images if the score had no training images of their class, float (n,).

    Args:
        score: fitted on training images of all classes.
        features: of other images, float (n, features).
        labels: the classes of these images, int (n,).
        bank_labels: the classes of the score's training images, int (images,).
    """
    found = [np.empty(0)]
    for label in np.unique(labels):
        others = bank_labels != label
        if others.any():
            squared = score.squared(features[labels == label])[:, others]
            found.append(kth_nearest(squared, score.neighbours))
    return np.concatenate(found)


def _refused(scores: np.ndarray, above: float) -> Refused | None:
    return Refused(int(np.sum(scores > above)), len(scores)) if len(scores) else None


def expect_refusal(share: object) -> float | None:
    """The share that a user asks for, as a number; None for `none`, which refuses nothing.

    Raises:
        GreycardError: neither a number between 0 and 1 nor none.
    """
    if share is None or (isinstance(share, str) and share.lower() == "none"):
        return None
    try:
        number = float(share)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = -1.0
    expect_share(number)
    return number


def distance_limit(distances: np.ndarray, share: float) -> float:
    """`limit` for strangeness, never below what rounding makes of a distance of 0.

    Args:
        distances: the strangeness of calibration images, float (n,).
        share: above 0 and below 1.

    Raises:
        GreycardError: the share cannot be promised with so few images.
    """
    return max(limit(distances, share), _ROUNDING)
