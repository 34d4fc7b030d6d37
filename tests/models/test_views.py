"""Models that average the logits of several versions of each image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from greycard.core.errors import GreycardError
from greycard.models.build import build_model
from greycard.models.model import Model
from greycard.models.saved import load_model, save_model
from greycard.models.views import WHOLE, View, head_of_views, middle_of, views_of, with_views
from greycard.recipe import Recipe
from greycard.recipe.prediction import PredictionConfig

SIDE = 16
RECIPES = {
    "mlp": {"dense": (4,)},
    "convnet": {"conv": (4,), "dense": (5,)},
    "resnet": {"width": 4, "blocks": (1, 1)},
}


def _model(kind: str, classes: int) -> Model:
    keras.utils.set_random_seed(3)
    task = "binary" if classes == 2 else "multiclass"
    recipe = Recipe.make("r", "d", **{"model": kind, "image_size": SIDE, "task": task} | RECIPES[kind])
    return build_model(recipe, classes)


def _views(kind: str | None, part: float = 1.0) -> tuple[View, ...]:
    return views_of(PredictionConfig(views=kind, center_crop=part))


def _images(count: int = 5) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def _logits(outputs: np.ndarray) -> np.ndarray:
    if outputs.shape[1] == 1:
        return np.log(outputs / (1 - outputs))
    return np.log(outputs) - np.log(outputs).mean(axis=1, keepdims=True)


@pytest.mark.parametrize("kind", RECIPES)
@pytest.mark.parametrize("views", ["flip", "crops"])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_logits_are_the_mean_of_those_of_all_versions(kind: str, views: str, classes: int, tmp_path: Path) -> None:
    model, images = _model(kind, classes), _images()
    viewed = with_views(model, _views(views))
    single = [_logits(model.network.predict_on_batch(view.of(images))) for view in _views(views)]
    np.testing.assert_allclose(_logits(viewed.network.predict_on_batch(images)), np.mean(single, axis=0), atol=1e-4)
    save_model(viewed, tmp_path)
    loaded = load_model(tmp_path)
    assert loaded.to_json() == viewed.to_json() == model.to_json() | {"views": "views"}
    outputs = loaded.network.predict_on_batch(images)
    np.testing.assert_allclose(outputs, viewed.network.predict_on_batch(images), atol=1e-6)
    assert np.array_equal(
        keras.ops.convert_to_numpy(keras.Model(loaded.network.inputs[0], loaded.pixels)(images))[:5], images
    )


def test_mirrored_images_get_the_same_answer() -> None:
    viewed, images = with_views(_model("resnet", 3), _views("flip")).network, _images()
    np.testing.assert_allclose(
        viewed.predict_on_batch(images), viewed.predict_on_batch(images[:, :, ::-1].copy()), atol=1e-5
    )


def test_training_the_network_trains_the_viewed_model() -> None:
    model, images = _model("convnet", 2), _images()
    viewed = with_views(model, _views("flip")).network
    before = viewed.predict_on_batch(images)
    model.network.train_on_batch(images, np.ones((5, 1), np.float32))
    assert not np.allclose(before, viewed.predict_on_batch(images))


def test_features_of_all_versions_give_what_the_images_give() -> None:
    model, images = _model("convnet", 3), _images()
    bottom = keras.Model(model.network.inputs[0], model.vector)
    features = np.stack([bottom.predict_on_batch(view.of(images)) for view in _views("crops")], axis=1)
    expected = with_views(model, _views("crops")).network.predict_on_batch(images)
    np.testing.assert_allclose(head_of_views(model, model.vector, 4).predict_on_batch(features), expected, atol=1e-6)


def test_versions_are_images_of_the_same_size_and_the_whole_one_comes_first() -> None:
    images = _images()
    for views in map(_views, (None, "flip", "crops")):
        assert views[0] is WHOLE
        for view in views:
            assert view.of(images).shape == images.shape
            assert view.of(images).dtype == np.uint8
    assert with_views(model := _model("mlp", 3), _views(None)) is model
    assert np.array_equal(_views("flip")[1].of(images), images[:, :, ::-1])


@pytest.mark.parametrize("views", [None, "flip", "crops"])
def test_the_middle_is_seen_in_place_of_the_image(views: str | None, tmp_path: Path) -> None:
    model, images = _model("resnet", 3), _images()
    other = images.copy()
    other[:, [0, -1]], other[:, :, [0, -1]] = 0, 0
    saved = with_views(model, _views(views, 0.75))
    save_model(saved, tmp_path)
    network = load_model(tmp_path).network
    seen = network.predict_on_batch(images)
    np.testing.assert_array_equal(seen, network.predict_on_batch(other))  # the border is cut off
    top, left, rows, columns = middle_of(SIDE, SIDE, 0.75)
    assert (top, left, rows, columns) == (2, 2, 12, 12)
    middle = keras.ops.image.resize(images[:, 2:14, 2:14].astype(np.float32), (SIDE, SIDE))
    enlarged = np.round(keras.ops.convert_to_numpy(middle)).astype(np.uint8)
    expected = with_views(model, _views(views)).network.predict_on_batch(enlarged)
    np.testing.assert_allclose(seen, expected, atol=1e-6)


@pytest.mark.parametrize("given", [{"views": "flip"}, {"center_crop": 0.9}])
def test_numbers_have_no_views(given: dict[str, Any]) -> None:
    import greycard

    with pytest.raises(GreycardError, match="no views"):
        greycard.train("house-prices", **given, epochs=1, quiet=True)
