"""A sweep on disk: the runs of its folder, and who was halved at which figures."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from greycard.core.atomic_files import atomic_write
from greycard.core.errors import GreycardError
from greycard.core.locks import locked
from greycard.core.records import from_json, to_json
from greycard.core.run_format import SCHEMA
from greycard.runs.record import RunRecord
from greycard.runs.sweep_plan import Plan, Unit, runs_in
from greycard.storage.claims import CLAIMS

PLAN, DECISIONS = "sweep.json", "decisions.jsonl"


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
                f"{self.path} is not a sweep: {why}", hint="the same sweep command writes its plan again"
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
                hint="remove it; the same sweep command decides again, from the same figures",
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

    def begun(self) -> dict[int, RunRecord]:
        """The runs that have begun, finished or not, by the numbers of their units; the folder is read once."""
        return runs_in(self.path, self.plan.units)

    @property
    def runs(self) -> list[RunRecord]:
        """All finished runs, in the plan's order."""
        return [run for run in self.begun().values() if run.finished]

    @property
    def finished(self) -> bool:
        """Whether every run is finished that no decision has ended, and every decision is made."""
        kept = self.kept
        if len(self.decisions) < len(self.plan.rungs) and len(kept) > 1:
            return False
        units = self.plan.units_of(kept)
        begun = runs_in(self.path, units)
        return all(unit.number in begun and begun[unit.number].finished for unit in units)

    def run_of(self, unit: Unit) -> RunRecord | None:
        """The run of a unit, finished or not; None if it has not begun."""
        return unit.run_in(self.path)


def is_sweep(path: str | Path) -> bool:
    """Whether a folder is that of a sweep."""
    return (Path(path) / PLAN).is_file()


def write_plan(folder: Path, plan: Plan) -> SweepRecord:
    """Write the plan into the folder of a sweep, unless it is there; runs of earlier plans with equal recipes count."""
    content = json.dumps({"schema": SCHEMA, **plan.to_json()}, indent=2) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / PLAN
    if not place.is_file() or place.read_text(encoding="utf-8") != content:
        atomic_write(place, content)
    return SweepRecord(folder)
