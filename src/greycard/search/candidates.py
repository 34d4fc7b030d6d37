"""The ladder: the recipes that a search tries, from cheap to dear. A new one is one entry here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from greycard.recipe import Recipe
from greycard.recipe.model import MlpConfig
from greycard.training.recommend import Task, from_scratch, transfer

Network = tuple[str, float | None]
"""A pretrained network whose weights are here, and its width."""

_LINEAR_PIXELS = 32
"""The largest image side for a linear model, in pixels."""

_SHORT = 8
"""Epochs of the short training from scratch."""


@dataclass(frozen=True)
class Candidate:
    """A recipe that a search may try.

    Attributes:
        name: the name of its run in `tried/`.
        recipe: at its full length.
        least_epochs: with fewer epochs it is not worth trying.
    """

    name: str
    recipe: Recipe
    least_epochs: int = 1

    @property
    def what(self) -> str:
        """Its model and image size, in a few words."""
        size = "×".join(map(str, dict.fromkeys(reversed(self.recipe.data.image_size or ()))))
        return f"{self.recipe.architecture} at {size} px"


def ladder(task: Task, networks: Sequence[Network]) -> tuple[Candidate, ...]:
    """The candidates for a dataset, from cheap to dear.

    Args:
        task: the facts about the dataset; its minutes are the budget.
        networks: the pretrained networks to use, the best first; empty if none is here or suits the images.
    """
    return (*_pretrained(task, networks), *_without_weights(task, quick=not networks))


def _pretrained(task: Task, networks: Sequence[Network]) -> list[Candidate]:
    return [
        Candidate(f"transfer-{name.lower()}", transfer(task, name, "its weights are available", alpha).recipe, 3)
        for name, alpha in networks[:2]
    ]


def _without_weights(task: Task, *, quick: bool) -> list[Candidate]:
    """Training from scratch; with `quick`, a linear model and a short training come first."""
    cnn = from_scratch(task, "the search tries it").recipe
    side = min(_LINEAR_PIXELS, task.kind.side)
    linear = cnn.replace(model=MlpConfig(), augmentation=None, image_size=side, epochs=30, patience=5)
    long = Candidate("cnn", cnn, _SHORT)
    if not quick:
        return [long]
    return [Candidate("linear", linear), Candidate("cnn-short", cnn.replace(epochs=_SHORT), 2), long]
