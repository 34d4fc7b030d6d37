"""Recipes: validated where they are built, equal after JSON, changed by `--set`."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greycard.core.errors import GreycardError
from greycard.pipeline.augmentation import FILL_MODES, Augmentation, augmentation_fields
from greycard.recipe import Recipe, recipe_fields
from greycard.recipe.settings import parse_settings

positive = st.integers(1, 512)
fraction = st.floats(0, 0.99)
ranges = st.tuples(st.floats(0.1, 1), st.floats(1, 3))
augmentations = st.builds(
    Augmentation,
    rotation_range=st.floats(0, 180),
    width_shift_range=st.floats(0, 20),
    shear_range=st.floats(0, 89),
    zoom_range=ranges,
    horizontal_flip=st.booleans(),
    brightness_range=st.none() | ranges,
    fill_mode=st.sampled_from(FILL_MODES),
)
recipes = st.builds(
    Recipe,
    name=st.text("abc-", min_size=1),
    dataset=st.just("mnist"),
    image_size=st.none() | st.tuples(positive, positive),
    conv=st.lists(positive, max_size=5).map(tuple),
    dense=st.lists(positive, max_size=3).map(tuple),
    dropout=fraction,
    learning_rate=st.floats(1e-8, 10),
    epochs=positive,
    augmentation=st.none() | augmentations,
    target_accuracy=st.none() | st.floats(0.01, 1),
    patience=st.none() | positive,
    seed=st.integers(0, 2**31),
)


@given(recipes)
def test_json_round_trip(recipe: Recipe) -> None:
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("epochs", "many"),
        ("epochs", True),
        ("conv", (0,)),
        ("channels", 2),
        ("dropout", 1.0),
        ("optimizer", "adamw"),
        ("learning_rate", 0.0),
        ("pooling", "max"),
        ("target_accuracy", 95.0),
        ("target_split", "test"),
        ("val_fraction", 1.0),
        ("seed", -1),
        ("image_size", (0, 10)),
        ("rotation_range", -1),
        ("zoom_range", (2.0, 1.0)),
        ("fill_mode", "mirror"),
        ("no_such_field", 1),
    ],
)
def test_a_wrong_value_is_one_sentence(field: str, value: object) -> None:
    with pytest.raises(GreycardError, match=field):
        Recipe.make(name="r", dataset="d").replace(**{field: value})


@pytest.mark.parametrize("field", [*recipe_fields(), *augmentation_fields()])
def test_the_hint_of_a_wrong_value_is_one_that_works(field: str) -> None:
    recipe = Recipe.make(name="r", dataset="d", backbone=None if field == "conv" else "MobileNetV2")
    with pytest.raises(GreycardError, match=f"{field} must be .* Received: {{}}") as error:
        recipe.replace(**{field: {}})
    recipe.replace(**parse_settings([error.value.hint.removeprefix("for example ")]))


@pytest.mark.parametrize(
    ("name", "meant"), [("epoch", "epochs"), ("rotation", "rotation_range"), ("lr", "learning_rate")]
)
def test_a_field_that_is_none_names_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(GreycardError, match=f"--set knows no field '{name}'") as error:
        parse_settings([f"{name}=1"])
    assert meant in error.value.hint


@pytest.mark.parametrize("value", ["x,y", "1,x", "{}", "1e999", "-", ","])
@pytest.mark.parametrize("field", ["epochs", "conv", "image_size", "zoom_range", "brightness_range", "dropout"])
def test_nonsense_on_the_command_line_is_a_clear_error(field: str, value: str) -> None:
    with pytest.raises(GreycardError, match=field):
        Recipe.make(name="r", dataset="d").replace(**parse_settings([f"{field}={value}"]))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("epochs=5", {"epochs": 5}),
        ("learning_rate=1e-4", {"learning_rate": 1e-4}),
        ("conv=32,64", {"conv": (32, 64)}),
        ("image_size=96", {"image_size": 96}),
        ("backbone=MobileNetV2", {"backbone": "MobileNetV2"}),
        ("augmentation=none", {"augmentation": None}),
        ("horizontal_flip=true", {"horizontal_flip": True}),
        ("augmentation.rotation_range=20", {"rotation_range": 20}),
        ("brightness_range=0.8,1.2", {"brightness_range": (0.8, 1.2)}),
    ],
)
def test_set_words(word: str, expected: dict[str, object]) -> None:
    assert parse_settings([word]) == expected


def test_set_changes_augmentation_by_its_own_names() -> None:
    recipe = Recipe.make(name="r", dataset="d").replace(
        **parse_settings(["rotation_range=20", "conv=32", "image_size=96"])
    )
    assert recipe.augmentation == Augmentation(rotation_range=20)
    assert recipe.model.conv == (32,)
    assert recipe.data.image_size == (96, 96)


@pytest.mark.parametrize("word", ["epochs", "epoch=5", "=5"])
def test_a_wrong_setting_is_named(word: str) -> None:
    with pytest.raises(GreycardError, match="--set"):
        parse_settings([word])


def test_shear_below_one_degree_is_remarked_upon() -> None:
    assert "degrees" in Augmentation(shear_range=0.2).notes()[0]
    assert not Augmentation(shear_range=12).notes()
