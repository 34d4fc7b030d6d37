"""The plan of a sweep: which recipes are trained with which seeds, and where the better half continues."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from greycard.recipe import Recipe
from greycard.runs.directory import RECIPE, folder_name
from greycard.runs.record import RunRecord

_LONGEST_NAME = 150


@dataclass(frozen=True)
class Variation:
    """One combination of values.

    Attributes:
        settings: the value of each varied field, as text for `--set`; empty if only the seed varies.
        recipe: with these values; its seed is that of the first run.
    """

    settings: Mapping[str, str]
    recipe: Recipe

    @property
    def label(self) -> str:
        """Its name for people, such as `learning_rate=0.003 dense=64`."""
        return " ".join(f"{field}={value}" for field, value in self.settings.items()) or self.recipe.name


@dataclass(frozen=True)
class Unit:
    """One run of a sweep.

    Attributes:
        number: counted from 1, in the order of the plan.
        variation: its settings.
        seed: of the run.
    """

    number: int
    variation: Variation
    seed: int

    @property
    def recipe(self) -> Recipe:
        return self.variation.recipe.replace(seed=self.seed)

    @property
    def label(self) -> str:
        return f"{self.variation.label}, seed {self.seed}"

    @property
    def name(self) -> str:
        """The name of the run's folder, before its number."""
        settings = " ".join(f"{field}={value}" for field, value in self.variation.settings.items())
        whole = folder_name(f"{self.variation.recipe.name} {settings}")
        return folder_name(f"{whole[:_LONGEST_NAME]} seed {self.seed}")

    def run_in(self, folder: Path) -> RunRecord | None:
        """Its run, finished or not; None if it has not begun."""
        return runs_in(folder, (self,)).get(self.number)


@dataclass(frozen=True)
class Plan:
    """What a sweep trains.

    Attributes:
        name: of the recipe.
        variations: in order.
        seeds: each variation is trained with each of them.
        rungs: epochs after which the better half of the variations continues; empty to train all of them to the end.
    """

    name: str
    variations: tuple[Variation, ...]
    seeds: tuple[int, ...]
    rungs: tuple[int, ...] = ()

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """All runs: every variation with the first seed, then with the second."""
        each = ((variation, seed) for seed in self.seeds for variation in self.variations)
        return tuple(Unit(number, variation, seed) for number, (variation, seed) in enumerate(each, 1))

    def units_of(self, labels: Sequence[str]) -> list[Unit]:
        """The runs of some variations."""
        wanted = set(labels)
        return [unit for unit in self.units if unit.variation.label in wanted]

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(variation.label for variation in self.variations)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that decides the runs and the decisions."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        variations = [{"settings": dict(each.settings), "recipe": each.recipe.to_json()} for each in self.variations]
        return {
            "name": self.name,
            "seeds": list(self.seeds),
            "rungs": list(self.rungs),
            "variations": variations,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Plan:
        variations = (Variation(each["settings"], Recipe.from_json(each["recipe"])) for each in content["variations"])
        return cls(content["name"], tuple(variations), tuple(content["seeds"]), tuple(content["rungs"]))


def runs_in(folder: Path, units: Sequence[Unit]) -> dict[int, RunRecord]:
    """The runs of units that have begun, finished or not, by the units' numbers; the folder is listed once.

    A folder with the name of a unit and another recipe is not its run.
    """
    named = defaultdict(list)
    for path in folder.iterdir() if folder.is_dir() else ():
        named[path.name.rpartition("-")[0]].append(path)
    found = {}
    for unit in units:
        there = [RunRecord(path) for path in named[unit.name] if (path / RECIPE).is_file()]
        runs = [run for run in there if unit.recipe.matches_resolved(run.recipe)]
        if runs:
            found[unit.number] = max(runs, key=lambda run: (run.finished, run.path.name))
    return found
