"""`--set field=value` as people type it."""

from __future__ import annotations

import pytest

from greycard.core.errors import GreycardError
from greycard.pipeline.augmentation import Augmentation
from greycard.recipe import Recipe
from greycard.recipe.model import ConvNetConfig
from greycard.recipe.settings import parse_settings


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("epochs=5", {"epochs": 5}),
        ("training.epochs=5", {"epochs": 5}),
        ("learning_rate=1e-4", {"learning_rate": 1e-4}),
        ("conv=32,64", {"conv": (32, 64)}),
        ("model.conv=32,64", {"conv": (32, 64)}),
        ("model.kind=resnet", {"model.kind": "resnet"}),
        ("model=resnet", {"model.kind": "resnet"}),
        ("optimizer=sgd", {"optimizer.kind": "sgd"}),
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


def test_the_last_setting_of_a_field_wins_whatever_its_name() -> None:
    assert parse_settings(["epochs=5", "training.epochs=6"]) == {"epochs": 6}


def test_set_changes_augmentation_by_its_own_names() -> None:
    changed = Recipe.make("r", "d").replace(**parse_settings(["rotation_range=20", "conv=32", "image_size=96"]))
    assert changed.augmentation == Augmentation(rotation_range=20)
    assert changed.model == ConvNetConfig(conv=(32,))
    assert changed.data.image_size == (96, 96)


@pytest.mark.parametrize("value", ["x,y", "1,x", "{}", "1e999", "-", ","])
@pytest.mark.parametrize("field", ["epochs", "conv", "image_size", "zoom_range", "brightness_range", "dropout"])
def test_nonsense_on_the_command_line_is_a_clear_error(field: str, value: str) -> None:
    with pytest.raises(GreycardError, match=field):
        Recipe.make("r", "d").replace(**parse_settings([f"{field}={value}"]))


@pytest.mark.parametrize("word", ["epochs", "epoch=5", "=5", ".=5", "training.=5", "a.b.c=5"])
def test_a_wrong_setting_is_named(word: str) -> None:
    with pytest.raises(GreycardError, match="--set"):
        parse_settings([word])
