"""From two sides' trainings to one row: settled seconds, ratios, and who is right where the other is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Any

from greycard.core.epoch import Epoch
from greycard.evaluation.paired import mcnemar
from sides import Trained


def summarise(plain: Sequence[Trained], greycard: Sequence[Trained]) -> dict[str, Any]:
    """One row of rows.json, from the rounds of both sides in their order."""
    ours, theirs = side(greycard), side(plain)
    return {
        "rounds": len(plain),
        "plain": theirs,
        "greycard": ours,
        "ratio": theirs["seconds_per_epoch"] / ours["seconds_per_epoch"],
        "total_ratio": theirs["total_seconds"] / ours["total_seconds"],
        "paired": [paired(a.correct, b.correct) for a, b in zip(plain, greycard, strict=True)],
    }


def side(rounds: Sequence[Trained]) -> dict[str, Any]:
    """One side's medians over its rounds, the largest memory, mean accuracies of the last epochs, and each round."""
    every = [seconds for trained in rounds for seconds in settled(trained.history)]
    last = [trained.history[-1] for trained in rounds]
    own = [trained.peak_own_mb for trained in rounds if trained.peak_own_mb is not None]
    return {
        "seconds_per_epoch": median(every),
        "first_epoch_seconds": median(trained.history[0].seconds for trained in rounds),
        "total_seconds": median(trained.total_seconds for trained in rounds),
        "peak_memory_mb": max(trained.peak_memory_mb for trained in rounds),
        "peak_own_mb": max(own, default=None),
        "train_accuracy": fmean(epoch.train_accuracy or 0.0 for epoch in last),
        "val_accuracy": fmean(epoch.val_accuracy or 0.0 for epoch in last),
        "each_round": [trained.to_json() for trained in rounds],
    }


def settled(history: Sequence[Epoch]) -> list[float]:
    """Seconds of each epoch, validation included; the first, which also compiles, counts only if it is alone."""
    return [epoch.seconds for epoch in history[1:] or history]


def paired(plain: Mapping[str, bool], greycard: Mapping[str, bool]) -> dict[str, Any]:
    """On the validation images that both sides answered: who is right, and McNemar's exact p value.

    The p value is the chance of a split as uneven as this, or more, of the images that only one side has right, were
    each as likely to fall to either.
    """
    ids = sorted(plain.keys() & greycard.keys())
    pairs = [(plain[id], greycard[id]) for id in ids]
    only_plain, only_greycard = pairs.count((True, False)), pairs.count((False, True))
    return {
        "images": len(ids),
        "both_right": pairs.count((True, True)),
        "only_plain_right": only_plain,
        "only_greycard_right": only_greycard,
        "p": mcnemar(only_plain, only_greycard),
    }
