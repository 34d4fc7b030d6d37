"""A sweep on disk: its plan, the runs of its folder, and who was halved at which figures."""

from __future__ import annotations

import glob
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from greycard.core.atomic_files import atomic_write
from greycard.core.errors import GreycardError
from greycard.core.locks import locked
from greycard.core.records import from_json, to_json
from greycard.core.run_format import SCHEMA
from greycard.recipe import Recipe
from greycard.runs.directory import RECIPE, folder_name
from greycard.runs.record import RunRecord

PLAN, DECISIONS = "sweep.json", "decisions.jsonl"
CLAIMS = "claims"
"""The folder with the locks of processes that work on a sweep; it is removed when all runs are finished."""

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
        """Its run, finished or not; None if it has not begun. A folder with this name and another recipe is not it."""
        recipe, found = self.recipe, []
        for path in folder.glob(f"{glob.escape(self.name)}-*"):
            if (path / RECIPE).is_file():
                run = RunRecord(path)
                if recipe.matches_resolved(run.recipe):
                    found.append(run)
        return max(found, key=lambda run: (run.finished, run.path.name), default=None)


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
        return [unit for unit in self.units if unit.variation.label in labels]

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(variation.label for variation in self.variations)

    @property
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


@dataclass(frozen=True)
class Score:
    """A variation's figures at a rung, the means over its seeds.

    Attributes:
        variation: its label.
        accuracy: on the validation images; None for a task without classes.
        loss: on the validation images; None if it was NaN or infinite for a seed.
    """

    variation: str
    accuracy: float | None
    loss: float | None


@dataclass(frozen=True)
class Decision:
    """Which variations continue after a rung.

    Attributes:
        plan: digest of the plan.
        epoch: after which the figures were taken, counted from 1.
        scores: of the variations that took part, in the plan's order.
        kept: labels of those that continue, in the plan's order.
    """

    plan: str
    epoch: int
    scores: tuple[Score, ...]
    kept: tuple[str, ...]


def better_half(scores: Sequence[Score]) -> tuple[str, ...]:
    """The labels of the better half, rounded up, in the given order.

    The higher accuracy is better, then the lower loss, then the earlier place; so equal figures give equal decisions.
    """
    order = sorted(range(len(scores)), key=lambda place: (*_worseness(scores[place]), place))
    kept = set(order[: -(-len(scores) // 2)])
    return tuple(score.variation for place, score in enumerate(scores) if place in kept)


def _worseness(score: Score) -> tuple[float, float]:
    accuracy, loss = score.accuracy, score.loss
    return -accuracy if accuracy is not None else math.inf, loss if loss is not None else math.inf


class SweepRecord:
    """A sweep's folder.

    Args:
        path: the folder.

    Raises:
        GreycardError: it is not that of a sweep, or its plan is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            content = json.loads((self.path / PLAN).read_text(encoding="utf-8"))
            if content["schema"] != SCHEMA:
                raise ValueError(f"expected run format {SCHEMA}")
            self.plan = Plan.from_json(content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, GreycardError) as error:
            why = error.args[0] if isinstance(error, GreycardError) else error
            raise GreycardError(
                f"{self.path} is not a sweep: {why}", hint="the same `greycard sweep` command writes its plan again"
            ) from error

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def decisions(self) -> list[Decision]:
        """Those of this plan, in order; a folder may also have those of earlier plans."""
        try:
            lines = (self.path / DECISIONS).read_text(encoding="utf-8").splitlines()
            found = [from_json(Decision, json.loads(line)) for line in lines]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, GreycardError) as error:
            why = error.args[0] if isinstance(error, GreycardError) else error
            raise GreycardError(
                f"{self.path / DECISIONS} is damaged: {why}",
                hint="remove it; the same `greycard sweep` command decides again, from the same figures",
            ) from error
        return [each for each in found if each.plan == self.plan.digest]

    def decide(self, decision: Decision) -> None:
        """Add a decision; the same one again changes nothing."""
        path = self.path / DECISIONS
        with ExitStack() as held:
            with suppress(OSError):  # a file system without locks
                held.enter_context(locked(self.path / CLAIMS / f"{DECISIONS}.lock"))
            if decision in self.decisions:
                return
            before = path.read_text(encoding="utf-8") if path.is_file() else ""
            atomic_write(path, f"{before}{json.dumps(to_json(decision), allow_nan=False)}\n")

    @property
    def kept(self) -> tuple[str, ...]:
        """Labels of the variations that no decision has ended."""
        decisions = self.decisions
        return decisions[-1].kept if decisions else self.plan.labels

    def runs_of(self, variation: Variation) -> list[RunRecord]:
        """The finished runs of a variation, one for each seed."""
        found = map(self.run_of, self.plan.units_of((variation.label,)))
        return [run for run in found if run is not None and run.finished]

    @property
    def runs(self) -> list[RunRecord]:
        """All finished runs, in the plan's order."""
        found = map(self.run_of, self.plan.units)
        return [run for run in found if run is not None and run.finished]

    @property
    def finished(self) -> bool:
        """Whether every run is finished that no decision has ended, and every decision is made."""
        if len(self.decisions) < len(self.plan.rungs) and len(self.kept) > 1:
            return False
        return all(run is not None and run.finished for run in map(self.run_of, self.plan.units_of(self.kept)))

    def run_of(self, unit: Unit) -> RunRecord | None:
        """The run of a unit, finished or not; None if it has not begun."""
        return unit.run_in(self.path)


def is_sweep(path: str | Path) -> bool:
    """Whether a folder is that of a sweep."""
    return (Path(path) / PLAN).is_file()


def write_plan(folder: Path, plan: Plan) -> SweepRecord:
    """Write the plan into the folder of a sweep, unless it is there; runs of earlier plans with equal recipes count."""
    content = json.dumps({"schema": SCHEMA, **plan.to_json()}, indent=2) + "\n"
    place = folder / PLAN
    if not place.is_file() or place.read_text(encoding="utf-8") != content:
        atomic_write(place, content)
    return SweepRecord(folder)
