"""Early stopping: a target is reached, validation no longer improves, or the time is over."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from greycard.core.epoch import Epoch
from greycard.evaluation.intervals import accuracy_interval
from greycard.recipe import Recipe

Rule = Callable[[Epoch], str | None]
"""From the last epoch to the reason to stop training now, or None."""


def stopping_rules(recipe: Recipe, train_images: int, val_images: int, seconds: float = 0.0) -> list[Rule]:
    """The recipe's rules. They hold the state of one training, so each training needs new ones.

    Args:
        recipe: of the run.
        train_images: number of training images.
        val_images: number of validation images.
        seconds: spent before the first epoch on decoding and features; they are part of `minutes`.
    """
    stopping, epochs = recipe.stopping, recipe.training.epochs
    rules: list[Rule] = []
    if stopping.target_accuracy is not None:
        images = val_images if stopping.target_split == "validation" else train_images
        rules.append(_target(stopping.target_accuracy, recipe, images))
    if stopping.patience is not None and not recipe.schedule.changes:
        rules.append(_patience(stopping.patience, epochs, accuracy_counts=stopping.keep == "best"))
    if stopping.minutes is not None:
        rules.append(_time_limit(stopping.minutes, epochs, seconds))
    return rules


EXPLODED = 1000
"""The training loss has exploded if it is this many times that of the first epoch."""


def divergence(history: Sequence[Epoch], epochs: int, bad_weights: bool) -> str | None:
    """The reason to stop after the last epoch of `history` because of its numbers, or None.

    Args:
        history: every epoch.
        epochs: planned.
        bad_weights: True if a weight is NaN or infinite; a ReLU can turn it into 0, and then the loss looks normal.
    """
    last, first = history[-1], history[0].train_loss or 0.0
    begin = f"stopped after epoch {last.epoch} of {epochs}:"
    for split, loss in (("training", last.train_loss), ("validation", last.val_loss)):
        if loss is None:
            return f"{begin} the {split} loss became NaN or infinite; the learning rate may be too high"
    if bad_weights:
        return f"{begin} some weights became NaN or infinite; the learning rate may be too high"
    if last.train_loss and last.train_loss > EXPLODED * max(first, 1.0):
        return f"{begin} the training loss exploded from {first:.4g} to {last.train_loss:.4g}"
    return None


def ignored_patience(recipe: Recipe) -> list[str]:
    """A note if the recipe's patience has no effect, because its learning rate falls until the last epoch."""
    patience, kind = recipe.stopping.patience, recipe.schedule.kind
    if patience is None or not recipe.schedule.changes or patience >= recipe.training.epochs:
        return []
    return [
        f"patience={patience} is not used: a {kind} schedule improves a model most in its last epochs, so training runs"
        f" for all {recipe.training.length}; --epochs sets their number"
    ]


def will_not_finish(recipe: Recipe, history: Sequence[Epoch], seconds: float) -> str | None:
    """After the second epoch, a note if the time limit will end training before the schedule's end.

    Args:
        recipe: of the run.
        history: every epoch; the first takes longer than the others.
        seconds: spent before the first epoch.
    """
    minutes, epochs = recipe.stopping.minutes, recipe.training.epochs
    if minutes is None or not recipe.schedule.changes or len(history) != 2:
        return None
    left = 60 * minutes - seconds - sum(epoch.seconds for epoch in history)
    fit = 2 + max(0, int(left / history[-1].seconds))
    if fit >= epochs:
        return None
    limit = f"{minutes:g} minute{'' if minutes == 1 else 's'}"
    return (
        f"only about {fit} of {epochs} epochs fit into the time limit of {limit}, which will cut off the"
        f" {recipe.schedule.kind} schedule; better start again with --epochs {fit}"
    )


def unfinished_schedule(recipe: Recipe, epochs: int) -> str:
    """The sentence for a training that a rule stopped after so many epochs, before its schedule's end; else empty."""
    planned, schedule = recipe.training.epochs, recipe.schedule
    if not schedule.changes or epochs >= planned:
        return ""
    left = recipe.optimizer.learning_rate * schedule.fraction(epochs, planned)
    return (
        f"; the {schedule.kind} schedule was cut off at a learning rate of {left:.2g}, before the epochs that improve a"
        f" model most: plan as many as fit (--epochs {epochs})"
    )


def _target(target: float, recipe: Recipe, images: int) -> Rule:
    """Compare the target with the accuracy, or with the lower end of its 95 % interval."""
    split, epochs = recipe.stopping.target_split, recipe.training.epochs
    by_bound = recipe.stopping.target_uses_lower_bound

    def rule(last: Epoch) -> str | None:
        accuracy = _accuracy(last, split)
        if accuracy is None:
            return None
        low = accuracy_interval(accuracy, images)[0]
        if (low if by_bound else accuracy) < target:
            return None
        bound = f" (at least {100 * low:.2f} %)" if by_bound else ""
        return (
            f"stopped after epoch {last.epoch} of {epochs}: {split} accuracy {100 * accuracy:.2f} %{bound} reached the"
            f" target of {100 * target:g} %"
        )

    return rule


def _accuracy(epoch: Epoch, split: str) -> float | None:
    return epoch.val_accuracy if split == "validation" else epoch.train_accuracy


def missed_target(recipe: Recipe, history: Sequence[Epoch], images: int) -> str | None:
    """A sentence if the recipe has a target that no epoch reached.

    Args:
        recipe: the run's.
        history: every epoch.
        images: number of images of the target's split.
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
    """A plateau: no lower validation loss, and, if `accuracy_counts`, no higher accuracy."""
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
    """Stop if the next epoch would exceed the time limit; it is expected to take as long as the last one."""
    spent = seconds

    def rule(last: Epoch) -> str | None:
        nonlocal spent
        spent += last.seconds
        if last.epoch == epochs or spent + last.seconds <= 60 * minutes:
            return None
        return (
            f"stopped after epoch {last.epoch} of {epochs}: another epoch would exceed the time limit of {minutes:g}"
            f" minute{'' if minutes == 1 else 's'} (minutes)"
        )

    return rule
