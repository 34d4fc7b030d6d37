"""Greycard's own steps compute what Keras's steps compute, on every backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from greycard import backend
from greycard.backend import execution
from greycard.backend.averaging import WeightAverage
from greycard.backend.choices import Choices
from greycard.backend.steps import KerasSteps, Steps, steps_for
from greycard.models.build import build_model
from greycard.models.mixed_precision import mixed_precision
from greycard.recipe import Recipe
from variants import quick_are

MLP = Recipe.make(name="d", dataset="d", image_size=(8, 8), dense=(12,), batch_size=4)
RECIPES = {
    "dense": MLP,
    "soft": MLP.replace(label_smoothing=0.1),
    "adamw": MLP.replace(optimizer="adamw", weight_decay=0.01, clip_norm=0.5),
    "convolutions": MLP.replace(conv=(4, 6), image_size=(18, 16), optimizer="rmsprop"),
    "batch norm": MLP.replace(**{"model.kind": "resnet", "width": 4, "blocks": (1,), "optimizer": "sgd"}),
}

pytestmark = pytest.mark.small_project


def _trained(
    own: bool, recipe: Recipe, classes: int, precision: str, targets: np.ndarray
) -> tuple[Steps, list[dict[str, float]], list[np.ndarray]]:
    """The steps, the figures of three epochs with a smaller last batch, and all weights, averages and predictions."""
    backend.seed_everything(5)
    model = build_model(recipe, classes).network
    average = WeightAverage(model, 0.9)
    steps = steps_for(model, 4, 18, Choices(), average) if own else KerasSteps(model, average)
    size = recipe.data.image_size
    assert size is not None
    images = np.random.default_rng(3).integers(0, 256, (22, *size, 3), dtype=np.uint8)
    together, figures = 4 * steps.steps_per_execution, []
    with mixed_precision(model, precision):
        for _ in range(3):
            for first in range(0, 22, together):
                steps.train(images[first : first + together], targets[first : first + together])
            figures.append(steps.result())
    averages = [np.array(each.numpy() if hasattr(each, "numpy") else each) for each in average.variables]
    return steps, figures, [*model.get_weights(), *averages, steps.predict(images)]


@pytest.mark.parametrize("classes", quick_are((3,), (2, 3)))
@pytest.mark.parametrize("name", sorted(RECIPES.keys() - {"soft"}))
def test_own_steps_are_kerass(name: str, classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps a call where a backend takes several; the sixth batch has two images."""
    monkeypatch.setattr(execution, "_MOST_STEPS", 2)
    labels = np.random.default_rng(4).integers(0, classes, 22)
    steps, figures, arrays = _trained(True, RECIPES[name], classes, "float32", labels)
    _, expected, others = _trained(False, RECIPES[name], classes, "float32", labels)
    assert not isinstance(steps, KerasSteps)
    for ours, theirs in zip(figures, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3)
    for mine, other in zip(arrays, others, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("classes", [2, 3])
def test_soft_targets_are_kerass_too(classes: int) -> None:
    draws = np.random.default_rng(4).dirichlet(np.ones(classes), 22).astype(np.float32)
    found = [_trained(own, RECIPES["soft"], classes, "float32", draws)[1] for own in (True, False)]
    for ours, theirs in zip(*found, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3)


def test_bfloat16_learns_about_the_same() -> None:
    labels = np.random.default_rng(4).integers(0, 3, 22)
    found = [_trained(True, RECIPES["convolutions"], 3, precision, labels) for precision in ("float32", "bfloat16")]
    assert found[0][1] != found[1][1]
    for exact, rounded in zip(found[0][1], found[1][1], strict=True):
        assert rounded["loss"] == pytest.approx(exact["loss"], rel=0.1)


def test_the_sums_of_an_epoch_can_be_stored_and_taken_up_again() -> None:
    labels = np.random.default_rng(4).integers(0, 3, 22)
    steps, _, _ = _trained(True, RECIPES["dense"], 3, "float32", labels)
    images: Any = np.zeros((4, 8, 8, 3), np.uint8)
    steps.train(images, labels[:4])
    sums = steps.state()
    assert sums["images"] == 4
    steps.load_state({name: 2 * value for name, value in sums.items()})
    steps.train(images[:2], labels[:2])
    assert steps.state()["images"] == 10
    steps.load_state({})
    steps.train(images[:2], labels[:2])
    assert steps.state()["images"] == 2
