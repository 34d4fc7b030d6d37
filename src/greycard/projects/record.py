"""A record: the best recipe found for a dataset in 1, 10 or 60 minutes on two cores, and what was measured of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from greycard.core.errors import GreycardError
from greycard.core.records import Count, Fraction, Number, Seconds
from greycard.recipe import Recipe

BUDGETS = (1, 10, 60)
"""The minutes for which there are records: from the first file to the saved model."""


@dataclass(frozen=True)
class Measured:
    """The measured figures of a record, over its seeds.

    Attributes:
        name: of the record.
        digest: of the measured recipe; another recipe has not been measured.
        seeds: number of trainings.
        accuracy: the mean over the seeds, on images that no choice has seen.
        lowest: of the seeds.
        highest: of the seeds.
        low: the lower end of the 95 % interval of `accuracy`.
        high: the upper end.
        images: number of images that it was measured on.
        seconds: the longest training, from the start of the process to the saved model, with an empty cache.
        machine: processor and cores.
        date: of the last measurement, ISO 8601.
    """

    name: str
    digest: str
    seeds: Number
    accuracy: Fraction
    lowest: Fraction
    highest: Fraction
    low: Fraction
    high: Fraction
    images: Count
    seconds: Seconds
    machine: str
    date: str


@dataclass(frozen=True)
class Record:
    """A recipe for a time budget.

    Attributes:
        minutes: of `BUDGETS`.
        recipe: a project of its own, beside the published ones: `greycard run` trains it by its name.
        gain: what it does differently, in one sentence.
    """

    minutes: int
    recipe: Recipe
    gain: str

    def __post_init__(self) -> None:
        if self.minutes not in BUDGETS:
            raise GreycardError(
                f"a record has a budget of {', '.join(map(str, BUDGETS))} minutes. Received: {self.minutes}",
                hint="choose one of these",
            )

    @property
    def name(self) -> str:
        return self.recipe.name


def record(minutes: int, recipe: Callable[[], Recipe], gain: str, *, scratch: bool = False) -> Record:
    """A line of the table of records; its recipe is named after its dataset and its minutes.

    Args:
        minutes: of `BUDGETS`.
        recipe: makes it.
        gain: what it does differently, in one sentence.
        scratch: the best from scratch, where pretrained weights are better; the name says so.
    """
    made = recipe()
    unit = "minute" if minutes == 1 else "minutes"
    name = f"{made.data.dataset}-{minutes}-{unit}{'-from-scratch' if scratch else ''}"
    return Record(minutes, made.replace(name=name), gain)
