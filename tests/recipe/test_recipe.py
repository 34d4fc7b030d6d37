"""Recipes: checked where they are built, equal after JSON, changed by the names of their fields."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from strategies import FAMILY_STRATEGIES, recipes

from greycard.core.errors import GreycardError
from greycard.pipeline.augmentation import Augmentation
from greycard.recipe import Recipe
from greycard.recipe.config import given_in
from greycard.recipe.describe import described_config
from greycard.recipe.model import FAMILIES, ConvNetConfig, MlpConfig, PretrainedConfig, ProbeConfig, ResNetConfig
from greycard.recipe.names import PARTS, fields_by_part, short_name, short_names
from greycard.recipe.settings import as_setting, parse_settings

FIRST = Recipe.make("r", "d")
OF_EACH = {
    "mlp": FIRST,
    "convnet": Recipe.make("r", "d", conv=(8,)),
    "pretrained": Recipe.make("r", "d", backbone="MobileNetV2"),
    "probe": Recipe.make("r", "d", backbones="MobileNetV2"),
    "resnet": Recipe.make("r", "d", width=8),
    "custom": Recipe.make("r", "d", function="nets.build"),
}
EVERY_FIELD = [(part, name) for part, names in fields_by_part().items() for name in names]


MEANINGFUL_WITH: dict[str, dict[str, Any]] = {
    "momentum": {"optimizer": "sgd"},
    "nesterov": {"optimizer": "sgd", "momentum": 0.9},
    "weight_decay": {"optimizer": "sgd"},
    "warmup": {"schedule": "cosine"},
    "anneal": {"schedule": "onecycle"},
    "milestones": {"schedule": "step"},
    "factor": {"schedule": "step"},
}


def _with(part: str, name: str) -> Recipe:
    """A recipe in which this field has a meaning."""
    found = next(
        recipe for recipe in OF_EACH.values() if part != "model" or name == "kind" or hasattr(recipe.model, name)
    )
    return found.replace(**MEANINGFUL_WITH.get(name, {}))


@given(recipes)
def test_json_gives_back_an_equal_recipe_with_the_same_digest(recipe: Recipe) -> None:
    again = Recipe.from_json(json.loads(json.dumps(recipe.to_json())))
    assert again == recipe
    assert again.digest == recipe.digest


def test_a_field_at_its_default_is_no_part_of_the_digest() -> None:
    """So the digests of measured recipes stay valid when a field is added."""
    for recipe in OF_EACH.values():
        assert recipe.replace(views="flip").digest != recipe.digest
    assert given_in(FIRST.prediction) == given_in(FIRST.training) == {}
    assert given_in(OF_EACH["convnet"].model) == {"kind": "convnet", "conv": (8,)}


@given(recipes)
def test_the_settings_of_a_recipe_make_it_of_any_other(recipe: Recipe) -> None:
    for other in OF_EACH.values():
        assert other.replace(**recipe.settings()) == recipe


def test_every_family_is_tested_and_has_a_name_a_default_and_a_meaning_for_each_field() -> None:
    assert FAMILIES.keys() == FAMILY_STRATEGIES.keys() == OF_EACH.keys()
    for kind, family in FAMILIES.items():
        assert family.kind == kind
        assert all(field.meaning.endswith(".") for field in described_config(family))
        assert OF_EACH[kind].architecture


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0), ("epochs", "many"), ("epochs", True), ("conv", (0,)), ("channels", 2), ("dropout", 1.0),
        ("optimizer", "lion"), ("learning_rate", 0.0), ("target_accuracy", 95.0), ("target_split", "test"),
        ("val_fraction", 1.0), ("seed", -1), ("image_size", (0, 10)), ("rotation_range", -1),
        ("zoom_range", (2.0, 1.0)), ("fill_mode", "mirror"), ("minutes", float("inf")), ("no_such_field", 1),
        ("model", 3), ("data", None),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_sentence(field: str, value: object) -> None:
    with pytest.raises(GreycardError, match="kind" if field == "optimizer" else field):
        FIRST.replace(**{field: value})


@pytest.mark.parametrize(("part", "name"), EVERY_FIELD, ids=".".join)
def test_the_hint_of_a_wrong_value_is_one_that_works(part: str, name: str) -> None:
    recipe, setting = _with(part, name), short_name(part, name)
    with pytest.raises(GreycardError, match=f"{name} must be .* Received: {{}}") as error:
        recipe.replace(**{f"{part}.{name}": {}})
    word = error.value.hint.removeprefix("for example ")
    recipe.replace(**parse_settings([f"{setting}={word.partition('=')[2]}"]))


@pytest.mark.parametrize(("part", "name"), EVERY_FIELD, ids=".".join)
def test_every_field_has_a_dotted_name_and_its_own_where_no_other_part_has_it(part: str, name: str) -> None:
    recipe = _with(part, name)
    value = recipe.replace(rotation_range=5).settings()[short_name(part, name)]
    dotted = recipe.replace(**{f"{part}.{name}": value})
    assert dotted.settings()[short_name(part, name)] == value
    if len(short_names()[name]) == 1:
        assert recipe.replace(**{name: value}) == dotted
    else:
        with pytest.raises(GreycardError, match=f"both have a field '{name}'") as error:
            recipe.replace(**{name: value})
        assert f"{part}.{name}" in error.value.hint


@pytest.mark.parametrize(("part", "name"), EVERY_FIELD, ids=".".join)
def test_a_default_can_be_typed(part: str, name: str) -> None:
    recipe = _with(part, name)
    for setting, value in recipe.settings().items():
        if setting == short_name(part, name) and value is not None:
            assert recipe.replace(**parse_settings([f"{setting}={as_setting(value)}"])) == recipe


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("epoch", "epochs"), ("rotation", "rotation_range"), ("learning_rat", "learning_rate"),
        ("training.epoch", "training.epochs"), ("optimizer.epochs", "training.epochs"), ("modle.conv", "model.conv"),
        ("optimiser", "optimizer"), ("model.xyzzy", "greycard recipe"),
    ],
)  # fmt: skip
def test_a_field_that_is_none_names_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(GreycardError, match=f"a recipe has no field '{name}'") as error:
        FIRST.replace(**{name: 1})
    assert meant in error.value.hint


@pytest.mark.parametrize(
    ("settings", "model"),
    [
        ({}, MlpConfig()),
        ({"dense": 8, "dropout": 0.5}, MlpConfig(dense=(8,), dropout=0.5)),
        ({"conv": [8, 16]}, ConvNetConfig(conv=(8, 16))),
        ({"conv": (), "backbone": None}, MlpConfig()),
        ({"backbone": "VGG16", "pooling": "average"}, PretrainedConfig(backbone="VGG16", pooling="average")),
        ({"blocks": (2, 2)}, ResNetConfig(blocks=(2, 2))),
        ({"model": "convnet"}, ConvNetConfig()),
        ({"model.kind": "resnet", "model.width": 8}, ResNetConfig(width=8)),
        ({"model": ConvNetConfig(conv=(4,)), "dense": (2,)}, ConvNetConfig(conv=(4,), dense=(2,))),
    ],
    ids=str,
)
def test_make_finds_the_family_by_the_fields(settings: dict[str, Any], model: object) -> None:
    assert Recipe.make("r", "d", **settings).model == model


@pytest.mark.parametrize(
    ("before", "settings", "after"),
    [
        ("mlp", {"conv": (8,)}, "convnet"), ("mlp", {"backbone": "VGG16"}, "pretrained"), ("mlp", {"conv": ()}, "mlp"),
        ("mlp", {"backbone": None}, "mlp"), ("mlp", {"model.kind": "resnet"}, "resnet"),
        ("convnet", {"conv": ()}, "mlp"), ("convnet", {"backbone": "VGG16"}, "pretrained"),
        ("convnet", {"model": "mlp"}, "mlp"), ("convnet", {"backbone_layer": None}, "convnet"),
        ("pretrained", {"backbone": None}, "mlp"), ("pretrained", {"backbone": None, "conv": (8,)}, "convnet"),
        ("pretrained", {"model.kind": "convnet", "conv": (8,)}, "convnet"), ("pretrained", {"conv": ()}, "pretrained"),
        ("resnet", {"backbone": "VGG16"}, "pretrained"), ("resnet", {"backbone": None}, "resnet"),
        ("resnet", {"model.kind": "convnet"}, "convnet"),
    ],
)  # fmt: skip
def test_a_new_family_keeps_what_both_have(before: str, settings: dict[str, Any], after: str) -> None:
    changed = OF_EACH[before].replace(dropout=0.25, epochs=3).replace(**settings)
    assert changed.model.kind == after
    assert changed.settings()["dropout"] == 0.25
    assert changed.training.epochs == 3


@pytest.mark.parametrize(
    ("kind", "settings", "owner"),
    [
        ("pretrained", {"conv": (8,)}, "convnet"), ("resnet", {"conv": (8,)}, "convnet"),
        ("resnet", {"dense": (8,)}, "mlp and convnet and pretrained"),
        ("mlp", {"pooling": "average"}, "convnet and pretrained"),
        ("convnet", {"backbone_layer": "x"}, "pretrained"), ("convnet", {"width": 8}, "resnet"),
    ],
)  # fmt: skip
def test_a_field_of_another_family_names_it_and_what_to_add(kind: str, settings: dict[str, Any], owner: str) -> None:
    with pytest.raises(GreycardError, match=f"{kind} has no field .*; {owner} ha(s|ve) it") as error:
        OF_EACH[kind].replace(**settings)
    word = error.value.hint.removeprefix("add --set ")
    OF_EACH[kind].replace(**parse_settings([word]), **settings)


@pytest.mark.parametrize("settings", [{"backbone": "VGG16"}, {"model.kind": "mlp"}], ids=str)
def test_what_contradicts_itself_is_to_be_left_out(settings: dict[str, Any]) -> None:
    with pytest.raises(GreycardError, match="has no field 'conv'") as error:
        FIRST.replace(conv=(8,), **settings)
    assert error.value.hint == "leave conv out"


@pytest.mark.parametrize("kind", ["resnett", 3, None])
def test_a_family_that_is_none_is_one_sentence(kind: object) -> None:
    with pytest.raises(GreycardError, match="kind must be one of mlp, convnet, pretrained, probe, resnet"):
        FIRST.replace(**{"model.kind": kind})


def test_a_pretrained_model_needs_its_backbone() -> None:
    with pytest.raises(GreycardError, match="needs a backbone") as error:
        FIRST.replace(model="pretrained")
    assert error.value.hint == "add --set backbone=EfficientNetLite0"


def test_a_probe_needs_its_backbones() -> None:
    with pytest.raises(GreycardError, match="a probe model needs backbones") as error:
        FIRST.replace(model="probe")
    assert error.value.hint == "add --set backbones=EfficientNetLite0"
    for wrong in ((), ("a", "a"), ("a", 1), 3):
        with pytest.raises(GreycardError, match="backbones must be one or more names"):
            FIRST.replace(backbones=wrong) if wrong else ProbeConfig(backbones=wrong)
    assert FIRST.replace(backbones="A, B").model == ProbeConfig(backbones=("A", "B"))
    assert FIRST.replace(backbones="A").replace(backbones=None).model == MlpConfig()


def test_whole_parts_can_be_replaced() -> None:
    changed = FIRST.replace(model=ResNetConfig(width=4), augmentation=Augmentation(rotation_range=20))
    assert (changed.model, changed.augmentation) == (ResNetConfig(width=4), Augmentation(rotation_range=20))
    assert changed.replace(augmentation=None).augmentation is None
    for part, kind in PARTS.items():
        if part not in ("data", "augmentation"):
            assert changed.replace(**{part: kind()}) == changed


def test_shear_below_one_degree_is_remarked_upon() -> None:
    assert "degrees" in Augmentation(shear_range=0.2).notes()[0]
    assert not Augmentation(shear_range=12).notes()
