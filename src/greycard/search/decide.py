"""Decisions of a search from measured evidence: which recipe is best, when to stop, what more minutes would bring."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from greycard.evaluation.label_comparison import LabelGroup, change_of
from greycard.evaluation.number_comparison import NumberGroup, number_differences
from greycard.evaluation.paired import LEVEL, mcnemar, paired
from greycard.search.candidates import FROM_SCRATCH
from greycard.search.record import DONE, SKIPPED, Gain, Rung, SearchRecord


def gain_over(best: str, new: np.ndarray, before: np.ndarray) -> Gain:
    """A recipe compared with the best before it.

    Args:
        best: the name of the best recipe before.
        new: bool (n,), True where the new recipe is right.
        before: the same of the best recipe before, on the same images in the same order.
    """
    found = paired(new, before)
    return Gain(best, found.difference, found.low, found.high, found.p)


def number_gain(best: str, new: np.ndarray, before: np.ndarray) -> Gain:
    """As `gain_over`, from the absolute errors of predicted numbers, float (n,)."""
    found = number_differences([NumberGroup(best, (best,), before[None]), NumberGroup("new", ("new",), new[None])])[0]
    return Gain(best, found.difference, found.low, found.high, found.p)


def label_gain(best: str, new: LabelGroup, before: LabelGroup) -> Gain:
    """As `gain_over`, by the mean average precision of several labels per image, on the same images."""
    found = change_of(new.precision.mean(axis=0) - before.precision.mean(axis=0))
    return Gain(best, found.difference, found.low, found.high, found.p)


SMALL = 0.01
"""A gain in accuracy that is not worth more time if it cannot be told apart either."""


def cannot_be_beaten(mistakes: int, images: int) -> bool:
    """True if even a model without mistakes would be only a little better, and not significantly.

    Args:
        mistakes: of the best model so far, on the validation images.
        images: their number. On few images no gain is significant, so a large one is still worth a try.
    """
    return mistakes <= SMALL * images and mcnemar(mistakes, 0) >= LEVEL


def best_of(rungs: Sequence[Rung]) -> Rung | None:
    """The finished rung with the highest validation accuracy or mean average precision, or the lowest error; of equal
    ones the cheapest, which was tried first."""
    done = [rung for rung in rungs if rung.state == DONE and _merit(rung) is not None]
    return max(done, key=lambda rung: _merit(rung) or 0.0, default=None)


def _merit(rung: Rung) -> float | None:
    if rung.val_mae is not None:
        return -rung.val_mae
    return rung.val_accuracy if rung.val_average_precision is None else rung.val_average_precision


def more_minutes(record: SearchRecord, certain: bool) -> str:
    """What more minutes would bring, only from what this search measured.

    Args:
        record: the search.
        certain: whether the best recipe cannot be beaten on these validation images.
    """
    if certain:
        return (
            f"no better model could be told apart on these {record.val_images:,} validation images: more images help"
            " to compare, more minutes do not"
        )
    rising = [rung.name for rung in record.rungs if rung.rising]
    late = [rung for rung in record.rungs if rung.state == SKIPPED]
    skipped = [rung for rung in late if rung.expected_seconds is not None]
    unmeasured = [rung.name for rung in late if rung.expected_seconds is None]
    found = []
    if rising:
        found.append(f"{' and '.join(rising)} still improved when the time was over")
    for rung in record.rungs:
        if rung.shortened:
            found.append(f"{rung.name} got {rung.shortened} epochs")
    if skipped:
        longest = max(rung.expected_seconds or 0.0 for rung in skipped)
        names = ", ".join(rung.name for rung in skipped)
        found.append(f"{names} did not fit; about {max(1, round(longest / 60)):,} more minutes are enough for each")
    if unmeasured:
        found.append(f"there was no time to measure {', '.join(unmeasured)}")
    if unused := record.set_aside.unused:
        found.append(f"{unused:,} images were left out: more minutes use more of them")
    if any(rung.name == FROM_SCRATCH and rung.state == DONE for rung in record.rungs):
        found.append(f"{FROM_SCRATCH} was planned for these minutes: more minutes give it more epochs")
    if not found:
        return "every recipe of the ladder was trained to its end: more minutes change nothing"
    return "; ".join(found)
