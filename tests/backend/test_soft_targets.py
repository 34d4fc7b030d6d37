"""Steps with soft targets compute what the formulas say, and the fast steps what Keras's own do."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from greycard import backend
from greycard.backend.choices import Choices
from greycard.backend.losses import soft_binary_accuracy, soft_binary_crossentropy
from greycard.backend.steps import KerasSteps, Steps, steps_for
from greycard.models.build import build_model
from greycard.models.mixed_precision import mixed_precision
from greycard.recipe import Recipe
from greycard.tasks.tasks import task_for

SOFT = {"label_smoothing": 0.1, "balance": "weights"}
RECIPES = {
    "dense": Recipe.make(name="d", dataset="d", image_size=(9, 9), dense=(12,), **SOFT),
    "conv": Recipe.make(name="c", dataset="c", image_size=(21, 18), conv=(4, 6), dense=(8,), **SOFT),
}
SEEDS = st.integers(0, 2**32 - 1)
few = settings(max_examples=20)


def _targets(classes: int, seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).gamma(0.3, 2, (count, classes)).astype(np.float32) + np.float32(1e-3)


@few
@given(seed=SEEDS)
def test_the_binary_loss_is_its_formula(seed: int) -> None:
    targets, draws = _targets(2, seed, 30), np.random.default_rng(seed)
    outputs = draws.uniform(0.001, 0.999, (30, 1)).astype(np.float32)
    second = outputs[:, 0].astype(np.float64)
    expected = -(targets[:, 1] * np.log(second) + targets[:, 0] * np.log(1 - second))
    np.testing.assert_allclose(ops.convert_to_numpy(soft_binary_crossentropy(targets, outputs)), expected, rtol=1e-4)
    right = (targets[:, 1] > targets[:, 0]) == (second > 0.5)
    assert (ops.convert_to_numpy(soft_binary_accuracy(targets, outputs)) == right).all()


@pytest.mark.parametrize("classes", [2, 3, 5])
@few
@given(seed=SEEDS)
def test_hard_targets_give_the_loss_and_accuracy_of_labels(classes: int, seed: int) -> None:
    """One-hot rows, so that turning a setting on with no effect would change nothing; for both tasks of two classes."""
    draws = np.random.default_rng(seed)
    labels = draws.integers(0, classes, 20)
    for wanted in {task_for(classes).name, "multiclass"}:
        task = task_for(classes, wanted)
        logits = draws.normal(size=(20, task.units)).astype(np.float32)
        outputs = np.asarray(ops.softmax(logits) if task.units > 1 else ops.sigmoid(logits))
        loss, metrics = task.soft_objective()
        soft = np.eye(classes, dtype=np.float32)[labels]
        found = {"loss": float(np.mean(ops.convert_to_numpy(keras.losses.get(loss)(soft, outputs))))}
        for metric in metrics:
            metric.update_state(soft, outputs)
            found[metric.name] = float(metric.result())
        assert found == pytest.approx(task.measure(labels, outputs), rel=1e-4)


def _trained(steps: Steps, images: np.ndarray, targets: np.ndarray) -> list[dict[str, float]]:
    measured = []
    for _ in range(3):
        size = 4 * steps.steps_per_execution
        for start in range(0, len(images), size):
            steps.train(images[start : start + size], targets[start : start + size])
        measured.append(steps.result())
    return measured


@pytest.mark.parametrize("classes", [pytest.param(2, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("name", [pytest.param("dense", marks=pytest.mark.slow), "conv"])
@pytest.mark.parametrize("compiled", [pytest.param(False, marks=pytest.mark.slow), True])
def test_the_fast_steps_are_keras_steps(
    name: str, classes: int, compiled: bool, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """22 images in batches of 4: the last batch is smaller, and several whole ones go into one call."""
    pytest.importorskip("tensorflow")
    from greycard.backend import tensorflow_steps

    monkeypatch.setattr(tensorflow_steps, "_WORTH_COMPILING", 0 if compiled else 1e18)
    size, tolerance = RECIPES[name].data.image_size, 1e-3 if precision == "float32" else 3e-2
    assert size is not None
    images = np.random.default_rng(3).integers(0, 256, (22, *size, 3), dtype=np.uint8)
    targets, found = _targets(classes, 4, 22), []
    for kind in (lambda model: steps_for(model, 4, 18, Choices()), KerasSteps):
        backend.seed_everything(5)
        model = build_model(RECIPES[name], classes).network
        steps = kind(model)
        with mixed_precision(model, precision):
            found.append((_trained(steps, images, targets), model.get_weights()))
        assert isinstance(steps, KerasSteps) == (kind is KerasSteps)
    for ours, theirs in zip(found[0][0], found[1][0], strict=True):
        assert ours == pytest.approx(theirs, rel=tolerance, abs=0 if precision == "float32" else 0.1)
    for ours, theirs in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(
            ours, theirs, rtol=10 * tolerance, atol=tolerance if precision != "float32" else 1e-4
        )


@pytest.mark.parametrize("classes", [2, 3])
def test_a_step_follows_the_gradient_of_the_weighted_loss(classes: int) -> None:
    """One step of SGD on a linear model against the formula: (p * sum(t) - t) for each logit."""
    recipe = RECIPES["dense"].replace(dense=(), learning_rate=1.0, **{"optimizer.kind": "sgd"})
    backend.seed_everything(1)
    model = build_model(recipe, classes).network
    images = np.random.default_rng(0).integers(0, 256, (4, 9, 9, 3), dtype=np.uint8)
    targets, before = _targets(classes, 2, 4), model.get_weights()[-1]
    task = task_for(classes)
    outputs = task.to_probabilities(np.asarray(model.predict_on_batch(images)))
    steps_for(model, 4, 1, Choices()).train(images, targets)
    slope = (outputs * targets.sum(axis=1, keepdims=True) - targets).mean(axis=0)
    expected = slope[1:] if task.units == 1 else slope
    np.testing.assert_allclose(before - model.get_weights()[-1], expected, rtol=1e-3, atol=1e-5)
