"""When to stop before the last epoch: a target reached, a plateau, or no time left. Each says which epoch and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from greycard.core.epoch import Epoch
from greycard.evaluation.intervals import accuracy_interval
from greycard.recipe import Recipe

Rule = Callable[[Epoch], str | None]
"""The last epoch → why training stops now, or None."""


def stopping_rules(recipe: Recipe, train_images: int, val_images: int, seconds: float = 0.0) -> list[Rule]:
    """The recipe's rules, fresh: they hold state for one training only.

    Args:
        recipe: what ends training early.
        train_images: the number that training accuracy is measured on.
        val_images: likewise for validation.
        seconds: spent before the first epoch, for decoding and features; they count against `minutes`.
    """
    stopping, epochs = recipe.stopping, recipe.training.epochs
    rules: list[Rule] = []
    if stopping.target_accuracy is not None:
        images = val_images if stopping.target_split == "validation" else train_images
        rules.append(_target(stopping.target_accuracy, recipe, images))
    if stopping.patience is not None:
        rules.append(_patience(stopping.patience, epochs, accuracy_counts=stopping.keep == "best"))
    if stopping.minutes is not None:
        rules.append(_time_limit(stopping.minutes, epochs, seconds))
    return rules


EXPLODED = 1000
"""Times the first epoch's training loss from which on a loss counts as exploded."""


def gone_bad(history: Sequence[Epoch], epochs: int, bad_weights: bool) -> str | None:
    """Why there is no sense in another epoch after the last one of `history`.

    Args:
        history: every epoch.
        epochs: planned.
        bad_weights: whether some weight is no number any more; a ReLU can make 0 of it, and the loss look well.
    """
    last, first = history[-1], history[0].train_loss or 0.0
    begin = f"stopped after epoch {last.epoch} of {epochs}:"
    for split, loss in (("training", last.train_loss), ("validation", last.val_loss)):
        if loss is None:
            return f"{begin} the {split} loss is no number any more, as with a learning rate that is too high"
    if bad_weights:
        return f"{begin} some weights are no numbers any more, as with a learning rate that is too high"
    if last.train_loss and last.train_loss > EXPLODED * max(first, 1.0):
        return f"{begin} the training loss exploded from {first:.4g} to {last.train_loss:.4g}"
    return None


def _target(target: float, recipe: Recipe, images: int) -> Rule:
    """Asked of the accuracy as it is measured, or of the lower end of its interval."""
    split, epochs = recipe.stopping.target_split, recipe.training.epochs
    by_bound = recipe.stopping.target_uses_lower_bound

    def rule(last: Epoch) -> str | None:
        accuracy = _accuracy(last, split)
        if accuracy is None:
            return None
        low = accuracy_interval(accuracy, images)[0]
        if (low if by_bound else accuracy) < target:
            return None
        surely = f" (at least {100 * low:.2f} %)" if by_bound else ""
        return (
            f"stopped after epoch {last.epoch} of {epochs}: {split} accuracy {100 * accuracy:.2f} %{surely} reached the"
            f" target of {100 * target:g} %"
        )

    return rule


def _accuracy(epoch: Epoch, split: str) -> float | None:
    return epoch.val_accuracy if split == "validation" else epoch.train_accuracy


def missed_target(recipe: Recipe, history: Sequence[Epoch], images: int) -> str | None:
    """A sentence where a target was asked for and no epoch reached it.

    Args:
        recipe: the run's.
        history: every epoch.
        images: that the target's accuracy was measured on.
    """
    stopping = recipe.stopping
    accuracies = [accuracy for epoch in history if (accuracy := _accuracy(epoch, stopping.target_split)) is not None]
    if stopping.target_accuracy is None or not accuracies:
        return None
    best = max(accuracies)
    by_bound = stopping.target_uses_lower_bound
    low = f" (at least {100 * accuracy_interval(best, images)[0]:.2f} %)" if by_bound else ""
    epochs = "1 epoch" if len(history) == 1 else f"{len(history)} epochs"
    return (
        f"the target of {100 * stopping.target_accuracy:g} % {stopping.target_split} accuracy was not reached in"
        f" {epochs}; the best was {100 * best:.2f} %{low}"
    )


def _patience(patience: int, epochs: int, *, accuracy_counts: bool) -> Rule:
    """A plateau: no better validation loss, and, where that counts, no better accuracy either."""
    lowest: tuple[float, int] = (math.inf, 0)
    highest: tuple[float, int] = (-math.inf, 0)

    def rule(last: Epoch) -> str | None:
        nonlocal lowest, highest
        if last.val_loss is not None and last.val_loss < lowest[0]:
            lowest = last.val_loss, last.epoch
        if accuracy_counts and last.val_accuracy is not None and last.val_accuracy > highest[0]:
            highest = last.val_accuracy, last.epoch
        if last.epoch - max(lowest[1], highest[1]) < patience:
            return None
        nor = f", nor has accuracy risen above {100 * highest[0]:.2f} %" if highest[1] else ""
        count = last.epoch - lowest[1]
        return (
            f"stopped after epoch {last.epoch} of {epochs}: validation loss has not fallen below {lowest[0]:.4f} of"
            f" epoch {lowest[1]} for {count} epoch{'s' if count > 1 else ''}{nor}"
        )

    return rule


def _time_limit(minutes: float, epochs: int, seconds: float) -> Rule:
    """The next epoch is expected to take as long as the last one."""
    spent = seconds

    def rule(last: Epoch) -> str | None:
        nonlocal spent
        spent += last.seconds
        if last.epoch == epochs or spent + last.seconds <= 60 * minutes:
            return None
        return (
            f"stopped after epoch {last.epoch} of {epochs}: another epoch would take training beyond the {minutes:g}"
            f" minute{'' if minutes == 1 else 's'} it was given (--minutes)"
        )

    return rule
