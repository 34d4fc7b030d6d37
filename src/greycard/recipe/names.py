"""The names of a recipe's fields: `epochs` if only one part has it; `training.epochs` always works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from greycard.core.errors import GreycardError
from greycard.core.suggestions import near
from greycard.pipeline.augmentation import Augmentation
from greycard.recipe.config import values_of
from greycard.recipe.data import DataConfig
from greycard.recipe.loss import LossConfig
from greycard.recipe.mixing import MixingConfig
from greycard.recipe.model import FAMILIES
from greycard.recipe.optimizer import OptimizerConfig
from greycard.recipe.prediction import PredictionConfig
from greycard.recipe.schedule import ScheduleConfig
from greycard.recipe.stopping import StoppingConfig
from greycard.recipe.training import TrainingConfig

PARTS: dict[str, type] = {
    "data": DataConfig,
    "augmentation": Augmentation,
    "mixing": MixingConfig,
    "loss": LossConfig,
    "optimizer": OptimizerConfig,
    "schedule": ScheduleConfig,
    "training": TrainingConfig,
    "stopping": StoppingConfig,
    "prediction": PredictionConfig,
}
"""The parts with one config; `model` has one config per family."""


def part_fields(part: str) -> tuple[str, ...]:
    """The names of a part's fields, in order; for `model`, those of all families."""
    if part == "model":
        return ("kind", *dict.fromkeys(field.name for family in FAMILIES.values() for field in fields(family)))  # type: ignore[arg-type]
    return tuple(field.name for field in fields(PARTS[part]))


def fields_by_part() -> dict[str, tuple[str, ...]]:
    """The names of the fields of every part, in a recipe's order."""
    first, *others = PARTS
    order = (first, "model", *others)
    return {part: part_fields(part) for part in order}


def short_names() -> dict[str, list[str]]:
    """Each field's name without its part, and the parts that have it; `name` belongs to the recipe itself."""
    found: dict[str, list[str]] = {"name": [""]}
    for part, names in fields_by_part().items():
        for name in names:
            found.setdefault(name, []).append(part)
    return found


def setting_names() -> set[str]:
    """Every name that `--set` takes."""
    parts = fields_by_part()
    dotted = {f"{part}.{name}" for part, names in parts.items() for name in names}
    return {*parts, *dotted, *(name for name, owners in short_names().items() if len(owners) == 1)}


def short_name(part: str, name: str) -> str:
    """A field's name if it is unique among all parts, else `part.name`."""
    return name if len(short_names()[name]) == 1 else f"{part}.{name}"


def addressed(settings: Mapping[str, Any], what: str = "a recipe has") -> dict[tuple[str, str], Any]:
    """Settings by part and field. The name of a part means the whole part or, if the value is text, its `kind`.

    Args:
        settings: values by the names that a user typed.
        what: the beginning of the message for an unknown name.

    Raises:
        GreycardError: a name is unknown, or belongs to more than one field.
    """
    return {_address(name, value, what): value for name, value in settings.items()}


def canonical(settings: Mapping[str, Any], what: str = "a recipe has") -> dict[str, Any]:
    """Settings by the shortest name of each field, so that a field has only one name. Raises as `addressed`."""
    return {
        short_name(part, name) if name else part: value for (part, name), value in addressed(settings, what).items()
    }


def by_field(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Canonical settings, with the fields of each part that is set as a whole."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        whole = values_of(value) if name in fields_by_part() and is_dataclass(value) else None
        found |= {name: value} if whole is None else {short_name(name, each): whole[each] for each in whole}
    return found


def unknown_field(what: str, name: object) -> GreycardError:
    """The error for an unknown field, with similar names."""
    known, by_part = short_names(), fields_by_part()
    part, _, leaf = str(name).rpartition(".")
    if leaf in known:  # the right field of another part
        meant = [f"{each}.{leaf}".strip(".") for each in known[leaf]]
    elif part in by_part:
        meant = [f"{part}.{field}" for field in near(leaf, by_part[part])]
    else:
        meant = near(name, [*known, *by_part])
    listed = f"`greycard recipe` lists {'those of ' + part if part in by_part else 'the fields'}"
    hint = f"did you mean {', '.join(meant)}?" if meant else listed
    return GreycardError(f"{what} no field {name!r}", hint=hint)


def _address(name: str, value: Any, what: str) -> tuple[str, str]:
    known, by_part = short_names(), fields_by_part()
    part, _, leaf = name.rpartition(".")
    if name in by_part:
        return (name, "kind") if isinstance(value, str) and "kind" in by_part[name] else (name, "")
    if leaf not in known or (part and part not in known[leaf]):
        raise unknown_field(what, name)
    if not part and len(known[leaf]) > 1:
        both = [f"{each}.{leaf}" for each in known[leaf]]
        raise GreycardError(f"{' and '.join(known[leaf])} both have a field {leaf!r}", hint=f"use {' or '.join(both)}")
    return part or known[leaf][0], leaf
