"""Every field of a recipe's parts with a value that is not its default, for tests of all of them."""

from __future__ import annotations

from typing import Any

from greycard.pipeline import augmentation
from greycard.recipe.names import PARTS, fields_by_part, short_name
from greycard.recipe.settings import parse_settings

READ = {short_name("data", name) for name in fields_by_part()["data"]} | {
    "balance",  # weighs the images in the fit
    "val_batch_size", "precision", "seed", "views", "center_crop",
    "minutes",  # decides the size of the images where Greycard chooses the recipe
}  # fmt: skip
"""What a probe without fine-tuning reads, besides its own fields."""

_NEEDED = {"nesterov": {"momentum": 0.9}, "kind": {"momentum": 0.9}}
_OTHER = {
    "kind": "sgd", "learning_rate": 0.01, "batch_size": 8, "val_batch_size": 8, "epochs": 7, "precision": "float32",
    "seed": 3, "target_split": "training", "milestones": (0.3,), "factor": 0.3,
}  # fmt: skip
"""Values that differ from the defaults, where the example of the field does not."""


def settings_of(part: str, name: str) -> dict[str, Any]:
    """A valid value of a field that is not its default, with the fields that it needs."""
    config = PARTS[part]
    checks = augmentation.CHECKS if part == "augmentation" else config.CHECKS  # type: ignore[attr-defined]
    example = next(example for field, _, _, example in checks if field == name)
    [value] = parse_settings([f"{part}.{name}={example}"]).values()
    value = _OTHER.get(name, value)
    kinds = getattr(config, "ONLY_FOR", {}).get(name, ())
    kind = {short_name(part, "kind"): kinds[-1]} if kinds else {}
    value = "onecycle" if (part, name) == ("schedule", "kind") else value
    needed = _NEEDED.get(name, {}) if part == "optimizer" else {}
    return {**kind, **needed, short_name(part, name): value}


FIELDS = [(part, name) for part, names in fields_by_part().items() if part != "model" for name in names]
