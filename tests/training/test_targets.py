"""Smoothed, mixed, weighted and balanced training from the public API, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import greycard
from greycard.core.errors import GreycardError
from greycard.recipe import Recipe

SMALL: dict[str, Any] = {"epochs": 2, "train_limit": 208, "val_limit": 96, "batch_size": 16, "quiet": True}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("label_smoothing=1", "label_smoothing must be a fraction from 0 to below 1"),
        ("balance=weight", "balance must be none, weights or sampling"),
        ("mixup=-1", "mixup must be 0, or a number from 0.001 to 100"),
        ("cutmix=1e-9", "cutmix must be 0, or a number from 0.001 to 100"),
    ],
)
def test_a_value_that_is_not_valid_is_refused(setting: str, said: str, cli) -> None:
    outcome = cli("run", "digits-cnn", "--set", setting)
    assert outcome.code == 2
    assert said in outcome.err
    assert not Path("runs").exists()


def test_a_regression_refuses_what_needs_classes_and_the_hint_works(cli) -> None:
    settings = ("--set", "mixup=0.2", "--set", "balance=weights")
    outcome = cli("run", "house-prices", "--epochs", "1", *settings)
    assert outcome.code == 2
    assert (
        "mixup and balance need classes, and house-prices has numbers as labels. Received: mixup=0.2, balance=weights"
        in (outcome.err)
    )
    hint = outcome.err.partition("hint: ")[2].split()
    assert hint == ["--set", "mixup=0", "--set", "balance=none"]
    assert not Path("runs").exists()
    assert cli("run", "house-prices", "--epochs", "1", "--quiet", *settings, *hint).code == 0


def test_the_saved_model_of_soft_targets_is_plain_keras(tmp_path: Path) -> None:
    soft = {"label_smoothing": 0.1, "balance": "weights", "mixup": 0.2, "cutmix": 1.0}
    run = greycard.train("digits-cnn", out=tmp_path, **SMALL, **soft)
    loaded = keras.saving.load_model(run.path / "model.keras", safe_mode=True)
    images = np.zeros((3, *loaded.input_shape[1:]), np.uint8)
    assert loaded.predict_on_batch(images).shape == (3, 10)
    assert {name: run.recipe.settings()[name] for name in soft} == soft


def test_two_classes_with_one_unit_learn_from_soft_targets(images: Path, tmp_path: Path) -> None:
    dataset = greycard.load_folder(images)
    recipe = Recipe.make("two", "images", image_size=24, conv=(4,), dense=(8,), epochs=10, batch_size=4)
    soft = {"label_smoothing": 0.1, "balance": "weights", "mixup": 0.2, "learning_rate": 0.01}
    run = greycard.train(recipe.replace(**soft), dataset, out=tmp_path, quiet=True)
    assert run.summary.val_accuracy == 1
    assert run.history[-1].train_loss is not None
    assert run.history[-1].train_loss > 0.19  # the entropy of a target of 0.95 and 0.05


@pytest.mark.slow
def test_a_frozen_backbone_mixes_features_and_refuses_cutmix(images: Path, tmp_path: Path) -> None:
    dataset = greycard.load_folder(images)
    first = Recipe.make("first", "images", image_size=24, conv=(4,), dense=(8,), epochs=1)
    greycard.train(first, dataset, out=tmp_path, quiet=True)
    recipe = Recipe.make("second", "images", image_size=24, backbone=str(tmp_path / "first-1"), dense=(8,), epochs=2)
    with pytest.raises(GreycardError, match="cutmix needs pixels") as refusal:
        greycard.train(recipe.replace(cutmix=1), dataset, out=tmp_path, quiet=True)
    assert refusal.value.hint == "use --set cutmix=0 --set mixup=0.2, which mixes the features"
    assert not (tmp_path / "second-1").exists()
    losses = [
        greycard.train(recipe.replace(**changes), dataset, out=tmp_path, quiet=True).history[0].train_loss
        for changes in ({}, {"mixup": 0.2}, {"balance": "sampling"}, {"label_smoothing": 0.1})
    ]
    assert len(set(losses)) == 4
