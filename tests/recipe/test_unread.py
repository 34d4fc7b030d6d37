"""A setting that a recipe's model does not read is refused, with a hint that works; none is ignored."""

from __future__ import annotations

import re
from typing import Any

import pytest

from greycard.core.errors import GreycardError
from greycard.pipeline import augmentation
from greycard.recipe import Recipe
from greycard.recipe.names import PARTS, fields_by_part, short_name
from greycard.recipe.settings import parse_settings
from greycard.recipe.unread import expect_read_settings, unread_fields

READ = {short_name("data", name) for name in fields_by_part()["data"]} | {
    "balance",  # weighs the images in the fit
    "val_batch_size", "precision", "seed", "views",
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


def _probe(**fields: Any) -> Recipe:
    return Recipe.make("r", "d", backbones=("MobileNetV2",), image_size=64, **fields)


@pytest.mark.parametrize(("part", "name"), FIELDS)
def test_a_probe_reads_a_field_or_refuses_it(part: str, name: str) -> None:
    field, recipe = short_name(part, name), _probe()
    changed = recipe.replace(**settings_of(part, name))
    assert part == "data" or changed != recipe
    if field in READ:
        expect_read_settings(changed)
        return
    with pytest.raises(GreycardError, match="would have no effect") as refused:
        expect_read_settings(changed)
    assert (part if part == "augmentation" else field) in refused.value.args[0]
    one, other = (refused.value.hint or "").split(", or ")
    for words in (one, other):
        typed = [word.rstrip(",") for word in re.findall(r"--set (\S+)", words)]
        expect_read_settings(changed.replace(**parse_settings(typed)))


def test_fine_tuning_reads_what_is_for_epochs() -> None:
    assert unread_fields(_probe(fine_tune="all").model) == ()
    assert "cutmix" in unread_fields(_probe(fine_tune="last").model)
    expect_read_settings(_probe(fine_tune="last", label_smoothing=0.1, mixup=0.2, learning_rate=0.01, epochs=3))
    for change in ({"cutmix": 1.0}, {"rotation_range": 10}):
        with pytest.raises(GreycardError, match="would have no effect") as refused:
            expect_read_settings(_probe(fine_tune="last", **change))
        assert "--set fine_tune=all" in (refused.value.hint or "")


def test_one_epoch_is_that_of_the_fit() -> None:
    expect_read_settings(_probe(epochs=1))
    with pytest.raises(GreycardError, match="epochs would have no effect") as refused:
        expect_read_settings(_probe(epochs=5))
    assert "--set epochs=1" in (refused.value.hint or "")


@pytest.mark.parametrize("fields", [{}, {"conv": (4,)}, {"width": 4}, {"backbone": "MobileNetV2"}])
def test_every_other_family_reads_all_parts(fields: dict[str, Any]) -> None:
    assert unread_fields(Recipe.make("r", "d", **fields).model) == ()
