"""What `train` chooses for a folder: by the number of pictures, their size and the weights at hand, with a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import greycard
from conftest import make_folder
from greycard.datasets.core import Dataset, Split
from greycard.training.recommend import recommend
from greycard.workflow.choose import choose_recipe


def _dataset(count: int, side: int) -> Dataset:
    split = Split(tuple(map(str, range(count))), np.arange(count) % 2, tuple(map(Path, map(str, range(count)))))
    return Dataset("folder", ("a", "b"), split, split, sizes=(side, side, side))


@pytest.mark.parametrize(
    ("count", "side", "at_hand", "words", "expected"),
    [
        (300, 128, None, "from scratch at 64 px with augmentation", {"conv": (16, 32, 64), "image_size": (64, 64)}),
        (5_000, 300, None, "from scratch at 96 px with augmentation", {"conv": (32, 64, 128), "batch_size": 32}),
        (20_000, 300, None, "enough to learn features from", {"augmentation": None, "patience": 3}),
        (300, 500, "MobileNetV2", "weights are at hand", {"backbone": "MobileNetV2", "image_size": (160, 160)}),
        (300, 100, "MobileNetV2", "at 96 px", {"image_size": (96, 96), "pooling": "average"}),
        (20_000, 300, "MobileNetV2", "enough to learn features from", {"backbone": None}),
        (9_000, 28, "MobileNetV2", "only 28 px wide", {"conv": (32, 64), "image_size": (28, 28), "backbone": None}),
        (300, 9, None, "only 9 px wide", {"conv": (64,), "image_size": (12, 12)}),
    ],
)
def test_the_choice_and_its_reason(
    count: int, side: int, at_hand: str | None, words: str, expected: dict[str, object]
) -> None:
    chosen = recommend(_dataset(count, side), at_hand=at_hand)
    assert words in chosen.reason
    assert {name: getattr(chosen.recipe, name) for name in expected} == expected


def test_a_network_that_is_asked_for_is_taken() -> None:
    chosen = recommend(_dataset(50_000, 300), asked="VGG16", because="--backbone asked for it")
    assert chosen.recipe.backbone == "VGG16"
    assert "--backbone asked for it" in chosen.reason


def test_weights_are_looked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = greycard.load_folder(make_folder(tmp_path / "pictures", ("",), ("a", "b"), 4))
    large = Dataset(dataset.name, dataset.classes, dataset.train, dataset.validation, sizes=(300, 300, 300))
    assert choose_recipe(large)[0].backbone is None
    (tmp_path / "mobilenet_v2_1.0_224_notop.weights.h5").touch()
    assert choose_recipe(large, weights=tmp_path)[0].backbone == "MobileNetV2"
    assert choose_recipe(large, weights="none")[0].backbone is None
    assert choose_recipe(large, weights="imagenet")[0].backbone == "MobileNetV2"
    assert "--weights brought" in choose_recipe(large, weights=tmp_path)[1]
    monkeypatch.setenv("GREYCARD_WEIGHTS", str(tmp_path))
    assert choose_recipe(large)[0].backbone == "MobileNetV2"
    for useless in (tmp_path / "nowhere", tmp_path / "pictures"):
        with pytest.raises(greycard.GreycardError, match="has no file whose name tells a network"):
            choose_recipe(large, weights=useless)
    narrow = tmp_path / "mobilenet_0.25_224_notop.weights.h5"
    narrow.touch()
    recipe = choose_recipe(large, weights=narrow)[0]
    assert (recipe.backbone, recipe.backbone_alpha) == ("MobileNet", 0.25)
