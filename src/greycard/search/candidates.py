"""The ladder: the recipes that a search tries, from cheap to dear. A new one is one entry here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from greycard.recipe import Recipe
from greycard.recipe.model import MlpConfig
from greycard.training.recommend import Task, from_scratch, probe

Network = tuple[str, float | None]
"""A pretrained network whose weights are here, and its width."""

_LINEAR_PIXELS = 32
"""The largest image side for a linear model, in pixels."""

_LEAST_TUNED = 3
"""Epochs of fine-tuning, with the one that fits the probe."""

_SHORT = 8
"""Epochs of the short training from scratch."""

FROM_SCRATCH = "resnet"
"""The recipe whose epochs are planned from the minutes."""


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
        versions = {"flip": ", 2 versions of each image", "crops": ", 4 versions of each image"}
        return f"{self.recipe.architecture} at {size} px{versions.get(self.recipe.prediction.views or '', '')}"


def ladder(task: Task, networks: Sequence[Network]) -> tuple[Candidate, ...]:
    """The candidates for a dataset, from cheap to dear.

    Args:
        task: the facts about the dataset; its minutes are the budget.
        networks: the pretrained networks to use, the best first; empty if none is here or suits the images.
    """
    return _distinct([*_pretrained(task, networks), *_without_weights(task, quick=not networks)])


def _distinct(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Each recipe once: of equal ones the last, as the short training is the whole one if few epochs are planned."""
    found: dict[str, Candidate] = {}
    for each in candidates:
        equal = found.pop(each.recipe.digest, each)
        found[each.recipe.digest] = replace(each, least_epochs=min(each.least_epochs, equal.least_epochs))
    return tuple(found.values())


def _pretrained(task: Task, networks: Sequence[Network]) -> list[Candidate]:
    """A probe, then one of two networks, then fine-tuning of the first network's last block and of all its layers."""
    names = [name for name, _ in networks[:2]]
    alpha = next((alpha for _, alpha in networks[:2] if alpha is not None), None)

    def of(used: list[str], fine_tune: str | None = None) -> Recipe:
        return probe(task, used, "the search tries it", alpha, fine_tune).recipe

    if not names:
        return []
    probes = [Candidate("probe", of(names[:1])), *_more_views(names, of(names))]
    return [*probes, *(Candidate(f"tuned-{part}", of(names[:1], part), _LEAST_TUNED) for part in ("last", "all"))]


def _more_views(names: list[str], recipe: Recipe) -> list[Candidate]:
    """The probe of all networks, with enlarged versions of each image if it is already used in two."""
    if recipe.prediction.views:
        recipe = recipe.replace(views="crops")
    elif len(names) == 1:
        return []
    return [Candidate("probe-crops" if len(names) == 1 else "two-probes", recipe)]


def _without_weights(task: Task, *, quick: bool) -> list[Candidate]:
    """Training from scratch; with `quick`, a linear model and a short training come first."""
    net = from_scratch(task, "the search tries it").recipe
    side = min(_LINEAR_PIXELS, task.kind.side)
    linear = task.base.replace(model=MlpConfig(), image_size=side, channels=net.data.channels, epochs=30, patience=5)
    long = Candidate(FROM_SCRATCH, net, min(_SHORT, net.training.epochs))
    if not quick:
        return [long]
    return [
        Candidate("linear", linear),
        Candidate("resnet-short", net.replace(epochs=min(_SHORT, net.training.epochs)), 2),
        long,
    ]
