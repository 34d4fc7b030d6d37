"""When to stop before the last epoch: a target accuracy reached, or patience lost. Both say which epoch and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from greycard.recipe import Recipe

Rule = Callable[[int, Mapping[str, Any]], str | None]
"""(epoch counted from 1, its history line) → why training stops now, or None."""


def stopping_rules(recipe: Recipe) -> list[Rule]:
    """The recipe's rules, fresh: they hold state for one training only."""
    rules: list[Rule] = []
    if recipe.target_accuracy is not None:
        rules.append(_target(recipe.target_accuracy, recipe.target_split, recipe.epochs))
    if recipe.patience is not None:
        rules.append(_patience(recipe.patience, recipe.epochs))
    return rules


def _target(target: float, split: str, epochs: int) -> Rule:
    key = "val_accuracy" if split == "validation" else "train_accuracy"

    def rule(epoch: int, line: Mapping[str, Any]) -> str | None:
        reached = line.get(key)
        if reached is None or reached < target:
            return None
        return (
            f"stopped after epoch {epoch} of {epochs}: {split} accuracy {100 * reached:.2f} % reached the target"
            f" of {100 * target:g} %"
        )

    return rule


def _patience(patience: int, epochs: int) -> Rule:
    best = (float("inf"), 0)

    def rule(epoch: int, line: Mapping[str, Any]) -> str | None:
        nonlocal best
        loss = line["val_loss"]
        if loss is not None and loss < best[0]:
            best = (loss, epoch)
        if epoch - best[1] < patience:
            return None
        if not best[1]:
            return f"stopped after epoch {epoch} of {epochs}: validation loss was never a number"
        return (
            f"stopped after epoch {epoch} of {epochs}: validation loss has not fallen below {best[0]:.4f} of epoch"
            f" {best[1]} for {patience} epoch{'s' if patience > 1 else ''}"
        )

    return rule
