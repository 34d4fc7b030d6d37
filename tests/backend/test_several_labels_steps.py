"""Steps for several labels per image compute what Keras's steps compute, on every backend."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from greycard import backend
from greycard.backend import execution
from greycard.backend.choices import Choices
from greycard.backend.steps import KerasSteps, Steps, steps_for
from greycard.models.build import build_model
from greycard.models.mixed_precision import mixed_precision
from greycard.recipe import Recipe

DENSE = Recipe.make(name="d", dataset="d", image_size=(9, 9), dense=(12,), task="multilabel")
RECIPES = {"dense": DENSE, "conv": DENSE.replace(image_size=(21, 18), conv=(4, 6), dense=(8,))}


def _trained(steps: Steps, images: np.ndarray, targets: np.ndarray) -> list[dict[str, float]]:
    measured = []
    for _ in range(3):
        size = 4 * steps.steps_per_execution
        for start in range(0, len(images), size):
            steps.train(images[start : start + size], targets[start : start + size])
        measured.append(steps.result())
    return measured


@pytest.mark.small_project
@pytest.mark.parametrize(
    ("name", "soft", "labels"),
    [("dense", True, 1), pytest.param("dense", False, 5, marks=pytest.mark.slow), ("conv", False, 2)],
)
def test_the_fast_steps_are_keras_steps(
    name: str, soft: bool, labels: int, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiled where that is possible; 22 images in batches of 4, so the last batch is smaller."""
    monkeypatch.setattr(execution, "_MOST_STEPS", 2)
    if keras.backend.backend() == "tensorflow":
        from greycard.backend import tensorflow_steps

        monkeypatch.setattr(tensorflow_steps, "_WORTH_COMPILING", 0)
    size, tolerance = RECIPES[name].data.image_size, 1e-3 if precision == "float32" else 3e-2
    assert size is not None
    draws, found = np.random.default_rng(3), []
    images = draws.integers(0, 256, (22, *size, 3), dtype=np.uint8)
    targets = draws.random((22, labels)).astype(np.float32) if soft else draws.integers(0, 2, (22, labels), np.uint8)
    for kind in (lambda model: steps_for(model, 4, 18, Choices()), KerasSteps):
        backend.seed_everything(5)
        model = build_model(RECIPES[name], labels).network
        steps = kind(model)
        with mixed_precision(model, precision):
            found.append((_trained(steps, images, targets), model.get_weights()))
        assert isinstance(steps, KerasSteps) == (kind is KerasSteps)
    for ours, theirs in zip(found[0][0], found[1][0], strict=True):
        assert ours == pytest.approx(theirs, rel=tolerance, abs=0 if precision == "float32" else 0.1)
        assert ours.keys() == {"loss"}
    for ours, theirs in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(
            ours, theirs, rtol=10 * tolerance, atol=tolerance if precision != "float32" else 1e-4
        )
