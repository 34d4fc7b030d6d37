"""What the user's settings change in the choice of a recipe, and what the reason says about it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fields import FIELDS, READ, settings_of

import greycard
from greycard.backend.precision import expected_precision
from greycard.datasets.dataset import Dataset, Split
from greycard.jobs.choose import _UNRELATED, choose_recipe, describe_choice, recipe_for_own_model
from greycard.recipe import Recipe
from greycard.recipe.loss import LossConfig
from greycard.recipe.model import ProbeConfig
from greycard.recipe.names import short_name
from greycard.recipe.stopping import StoppingConfig
from greycard.recipe.unread import expect_read_settings
from greycard.training.image_kind import image_kind
from greycard.training.recommend import Task, from_scratch, probe, small_cnn, transfer


def _photographs(side: int, count: int = 40) -> Dataset:
    images = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    split = Split(tuple(map(str, range(count))), np.arange(count) % 2, images)
    return Dataset("folder", ("cat", "dog"), split, split)


@pytest.mark.parametrize(("part", "name"), FIELDS)
def test_no_setting_chooses_a_probe_that_does_not_read_it(part: str, name: str) -> None:
    changes = settings_of(part, name)
    recipe, _ = choose_recipe(_photographs(64), weights="imagenet", changes=changes)
    chosen = recipe.replace(**{name: value for name, value in changes.items() if name != "val_fraction"})
    expect_read_settings(chosen)
    is_probe = isinstance(chosen.model, ProbeConfig)
    assert is_probe == (short_name(part, name) in READ or set(changes) <= READ)


@pytest.mark.parametrize(
    "changes",
    [
        {"augmentation": None}, {"label_smoothing": 0}, {"mixup": 0}, {"clip_norm": None}, {"patience": None},
        {"dense": ()}, {"backbone_layer": None}, {"balance": "weights"}, {"balance": None},
        {"loss": LossConfig(balance="weights")},
    ],
    ids=str,
)  # fmt: skip
def test_what_turns_something_off_needs_no_epochs(changes: dict[str, Any]) -> None:
    recipe, _ = choose_recipe(_photographs(64), weights="imagenet", changes=changes)
    assert isinstance(recipe.replace(**changes).model, ProbeConfig)
    expect_read_settings(recipe.replace(**changes))


@pytest.mark.parametrize(
    ("changes", "rival"),
    [
        ({"model.kind": "resnet"}, from_scratch),
        ({"width": 24}, from_scratch),
        ({"blocks": (1, 1)}, from_scratch),
        ({"model.kind": "convnet"}, small_cnn),
        ({"conv": (8, 8)}, small_cnn),
        ({"model.kind": "mlp"}, small_cnn),
        ({"model.kind": "probe"}, lambda task, why: probe(task, ["MobileNetV2"], why)),
        ({"model.kind": "pretrained"}, lambda task, why: transfer(task, "MobileNetV2", why)),
    ],
    ids=lambda value: "" if callable(value) else str(value),
)
@pytest.mark.parametrize("weights", ["imagenet", "none", None])
def test_the_family_that_is_asked_for_gets_its_own_recipe(
    changes: dict[str, Any], rival: Any, weights: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mobilenet_v2_1.0_224_notop.weights.h5").touch()
    monkeypatch.setenv("GREYCARD_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("greycard.jobs.choose.imagenet_network", lambda: "MobileNetV2")
    if weights == "none" and changes.get("model.kind") in ("probe", "pretrained"):
        with pytest.raises(greycard.GreycardError, match="needs pretrained weights") as refused:
            choose_recipe(_photographs(64), weights=weights, changes=changes)
        assert "--backbone EfficientNetLite0" in (refused.value.hint or "")
        return
    dataset = _photographs(64)
    recipe, reason = choose_recipe(dataset, weights=weights, changes=changes)
    expected = rival(Task("folder", 40, 40, image_kind(dataset), precision=expected_precision()), "")
    expected = expected.recipe.replace(backbone_alpha=None) if recipe.backbones else expected.recipe
    assert recipe.replace(**changes) == expected.replace(**changes)
    assert recipe.replace(**changes).model.kind == changes.get("model.kind", recipe.model.kind)
    assert reason


@pytest.mark.parametrize("changes", [{}, {"epochs": 20}, {"backbone_alpha": 0.5}, {"model.kind": "pretrained"}])
def test_a_network_without_its_weights_is_trained_whole(changes: dict[str, Any]) -> None:
    recipe, reason = choose_recipe(_photographs(64), weights="none", backbone="MobileNetV2", changes=changes)
    assert recipe.replace(**changes).pretrained
    assert recipe.augmentation is not None
    assert "from random weights" in reason
    for part in ({"fine_tune": "all"}, {"model.kind": "probe"}, {"backbones": ("MobileNetV2",)}):
        with pytest.raises(greycard.GreycardError, match="needs pretrained weights") as refused:
            choose_recipe(_photographs(64), weights="none", backbone="MobileNetV2", changes=part)
        assert "use --backbone MobileNetV2, which --weights none trains" in (refused.value.hint or "")


def test_fine_tuning_without_any_weights_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("greycard.jobs.choose.available", lambda _weights: [])
    with pytest.raises(greycard.GreycardError, match="fine_tune=all needs pretrained weights, and there are none"):
        choose_recipe(_photographs(64), changes={"fine_tune": "all"})


@pytest.mark.parametrize("weights", ["none", "imagenet"])
@pytest.mark.parametrize(("part", "name"), [field for field in FIELDS if short_name(*field) in _UNRELATED])
def test_the_reason_names_no_value_that_a_setting_replaced(weights: str, part: str, name: str) -> None:
    changes = settings_of(part, name)
    recipe, reason = choose_recipe(_photographs(64), weights=weights, changes=changes)
    said, _, yours = describe_choice(recipe.replace(**changes), recipe, reason).partition("; your settings: ")
    replaced = recipe.settings()[short_name(part, name)]
    if yours and isinstance(replaced, int | float) and not isinstance(replaced, bool) and replaced > 1:
        assert not re.search(rf"\b{replaced:g} (?!px)", said)
    assert "epoch" not in said.replace("trained by epochs", "")


@pytest.mark.parametrize(
    ("changes", "views", "cropped"),
    [
        ({}, "flip", True),
        ({"horizontal_flip": False}, None, True),
        ({"crop_scale": None}, "flip", False),
        ({"augmentation": None}, None, False),
    ],
)
def test_prediction_follows_the_augmentation(changes: dict[str, Any], views: str | None, cropped: bool) -> None:
    recipe, _ = choose_recipe(_photographs(64), weights="none", changes=changes)
    assert (recipe.prediction.views, recipe.prediction.center_crop < 1) == (views, cropped)


def test_an_own_model_gets_adam_until_a_plateau() -> None:
    recipe = recipe_for_own_model(_photographs(64), {})
    usual = Recipe.make("folder", "folder")
    assert (recipe.optimizer, recipe.schedule, recipe.loss) == (usual.optimizer, usual.schedule, usual.loss)
    assert (recipe.training.epochs, recipe.stopping) == (100, StoppingConfig(keep="best", patience=10, minutes=10))
    assert recipe.augmentation is not None
    assert recipe_for_own_model(_photographs(64), {"minutes": 1}).stopping.minutes == 1
