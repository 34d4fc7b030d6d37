"""Speed measured on this machine: plausible figures, and nothing is read into the cache."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import greycard
from conftest import make_folder
from greycard.recipe import Recipe
from greycard.search.speed import decode_seconds, measure_rates


def test_each_part_is_measured_without_reading_images(tmp_path: Path) -> None:
    dataset = greycard.open_dataset(make_folder(tmp_path / "pets", ("",), ("cat", "dog"), 5))
    recipe = Recipe.make("pets", "pets", image_size=32, batch_size=4, epochs=1, dense=(4,))
    rates = measure_rates(recipe, dataset, None)
    assert min(rates.start, rates.decode, rates.step, rates.predict) > 0 == rates.features
    assert not os.path.exists(os.environ["GREYCARD_CACHE"])


@pytest.mark.slow
def test_a_frozen_networks_features_are_measured(real_weights: Path, tmp_path: Path) -> None:
    dataset = greycard.open_dataset(make_folder(tmp_path / "pets", ("",), ("cat", "dog"), 5))
    recipe = Recipe.make("pets", "pets", image_size=96, batch_size=4, backbone="MobileNetV2", pooling="average")
    rates = measure_rates(recipe, dataset, real_weights)
    assert min(rates.features, rates.step) > 0


@pytest.mark.parametrize("classes", [2, 3])
def test_a_recipe_with_soft_targets_is_measured(classes: int, tmp_path: Path) -> None:
    dataset = greycard.open_dataset(make_folder(tmp_path / "pets", ("",), tuple("abc"[:classes]), 8))
    recipe = Recipe.make("pets", "pets", image_size=16, batch_size=4, conv=(4,), dense=(), label_smoothing=0.1)
    assert measure_rates(recipe, dataset, None).step > 0


def test_unreadable_files_are_no_problem(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "pets", ("",), ("cat", "dog"), 5)
    dataset = greycard.open_dataset(folder)
    for path in folder.glob("cat/*"):
        path.write_bytes(path.read_bytes()[:300])
    assert decode_seconds(dataset.train, Recipe.make("pets", "pets", image_size=32)) > 0
