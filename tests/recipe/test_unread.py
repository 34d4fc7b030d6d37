"""A setting that a recipe's model does not read is refused, with a hint that works; none is ignored."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fields import FIELDS, READ, settings_of

from greycard.core.errors import GreycardError
from greycard.recipe import Recipe
from greycard.recipe.names import short_name
from greycard.recipe.settings import parse_settings
from greycard.recipe.unread import expect_read_settings, unread_fields


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
    assert unread_fields(_probe(fine_tune="all").model) == ("ema", "parts")
    assert "cutmix" in unread_fields(_probe(fine_tune="last").model)
    expect_read_settings(_probe(fine_tune="last", label_smoothing=0.1, mixup=0.2, learning_rate=0.01, epochs=3))
    for change in ({"cutmix": 1.0}, {"rotation_range": 10}):
        with pytest.raises(GreycardError, match="would have no effect") as refused:
            expect_read_settings(_probe(fine_tune="last", **change))
        assert "--set fine_tune=all" in (refused.value.hint or "")
    for part in ("last", "all"):
        with pytest.raises(GreycardError, match="ema would have no effect") as refused:
            expect_read_settings(_probe(fine_tune=part, ema=0.99))
        assert refused.value.hint == "--set ema=none"


def test_one_epoch_is_that_of_the_fit() -> None:
    expect_read_settings(_probe(epochs=1))
    with pytest.raises(GreycardError, match="epochs would have no effect") as refused:
        expect_read_settings(_probe(epochs=5))
    assert "--set epochs=1" in (refused.value.hint or "")


@pytest.mark.parametrize("fields", [{}, {"conv": (4,)}, {"width": 4}, {"backbone": "MobileNetV2"}])
def test_every_other_family_reads_all_parts(fields: dict[str, Any]) -> None:
    assert unread_fields(Recipe.make("r", "d", **fields).model) == ()
