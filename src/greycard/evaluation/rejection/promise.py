"""The promise: at most this share of the classes' own images is refused, with 95 % confidence.

The strangest of n calibration images are refused: as many as allow the promise. If r of n are refused, the true share
is at most the upper end of the one-sided Clopper-Pearson interval of r of n, for scores of any distribution.

Sources: Wilks, "Determination of sample sizes for setting tolerance limits" (1941); Vovk, "Conditional validity of
inductive conformal predictors" (2012).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from greycard.core.errors import GreycardError

CONFIDENCE = 0.95

SHARES = (0.05, 0.1, 0.2)
"""The first of these shares that can be promised is the default."""

_MARGIN = 1e-3
"""The limit is this much above the strangest image if none may be refused; rounding must not refuse it."""


def most_refused(images: int, share: float) -> int | None:
    """How many of the calibration images may be refused; None if the share cannot be promised with so few images.

    Args:
        images: number of calibration images.
        share: the largest share of own images that is refused, above 0 and below 1.
    """
    if images < images_needed(share):
        return None
    below = _binomial(images, share)
    low, high = 0, images  # the probability of at most `low` is small enough, of at most `high` it is not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if below(middle) <= 1 - CONFIDENCE else (low, middle)
    return low


def images_needed(share: float) -> int:
    """The fewest calibration images with which the share can be promised: 59 for 5 %, 29 for 10 %, 14 for 20 %."""
    return math.ceil(math.log(1 - CONFIDENCE) / math.log1p(-share) - 1e-9)


def promised_share(images: int) -> float | None:
    """The smallest of the usual shares that can be promised with so many calibration images; None for none."""
    return next((share for share in SHARES if most_refused(images, share) is not None), None)


def limit(scores: np.ndarray, share: float) -> float:
    """Images with a larger score are refused; at most this share of own images, with 95 % confidence.

    Args:
        scores: of calibration images, float (n,), larger for stranger images; not of training images.
        share: above 0 and below 1.

    Raises:
        GreycardError: the share cannot be promised with so few images.
    """
    expect_share(share)
    refused = most_refused(len(scores), share)
    if refused is None:
        raise _too_few(len(scores), share)
    ordered = np.sort(scores.astype(np.float64))
    last = ordered[len(scores) - 1 - refused]
    return float((last + ordered[len(scores) - refused]) / 2 if refused else last * (1 + _MARGIN))


def expect_share(share: float) -> None:
    """Raise GreycardError unless the share is a number between 0 and 1."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
        raise GreycardError(
            f"the share of own images that may be refused must be above 0 and below 1. Received: {share!r}",
            hint="use --refuse 0.05, or --refuse none",
        )


def _too_few(images: int, share: float) -> GreycardError:
    possible = promised_share(images)
    return GreycardError(
        f"with {images} calibration images at most {percent(share)} cannot be promised, which needs"
        f" {images_needed(share)}" + (f"; {percent(possible)} can" if possible else ""),
        hint=f"use --refuse {possible:g}" if possible else "use --refuse none, or train with more images",
    )


def percent(share: float) -> str:
    """`5 %` or `2.5 %`."""
    return f"{100 * share:.6g} %"


def _binomial(images: int, share: float) -> Callable[[int], float]:
    """The probability of at most this many of `images` independent events of probability `share`."""
    from scipy.special import bdtr

    return lambda count: float(bdtr(count, images, share))
