"""The meaning of every field of a recipe, by part: for `greycard recipe`, recipe files and the documentation."""

from __future__ import annotations

from greycard.core.fields import Field, described, meanings
from greycard.pipeline import augmentation
from greycard.pipeline.augmentation import Augmentation
from greycard.recipe.model import FAMILIES, MlpConfig, ModelConfig
from greycard.recipe.names import PARTS, fields_by_part
from greycard.recipe.recipe import NAME_CHECK, Recipe

KIND = Field("kind", MlpConfig.kind, False, f"one of {', '.join(FAMILIES)}", "the model's family.")


def part_meanings() -> dict[str, str]:
    """The meaning of `name` and of each part of a recipe, in one line."""
    return meanings(Recipe)


def described_parts() -> dict[str, tuple[Field, ...]]:
    """The fields of each part, by its name, in order; those of a model family by `model: FAMILY`."""
    name, _, allowed, _ = NAME_CHECK
    found: dict[str, tuple[Field, ...]] = {"recipe": (Field(name, None, True, allowed, part_meanings()[name]),)}
    for part in fields_by_part():
        if part == "model":
            found["model"] = (KIND,)
            found |= {f"model: {kind}": described_config(family) for kind, family in FAMILIES.items()}
        else:
            found[part] = described_config(PARTS[part])
    return found


def described_model(model: ModelConfig) -> tuple[Field, ...]:
    """The fields of a model of this family."""
    return (KIND, *described_config(type(model)))


def described_config(kind: type) -> tuple[Field, ...]:
    """The fields of one config."""
    return described(kind, augmentation.CHECKS if kind is Augmentation else kind.CHECKS)  # type: ignore[attr-defined]
