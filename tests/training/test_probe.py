"""A probe as a run: several backbones, few images, and views for every family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import greycard
from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Dataset, Split
from greycard.models.saved import load_model

SIDE, CLASSES = 12, ("dark", "grey", "light")


def _dataset(per_class: int = 10, classes: tuple[str, ...] = CLASSES, *, constant: bool = False) -> Dataset:
    """Images of different brightness with noise; the class decides the brightness."""
    draws = np.random.default_rng(per_class)

    def split(name: str, count: int) -> Split:
        labels = np.arange(count * len(classes)) % len(classes)
        noise = draws.integers(0, 120, (len(labels), SIDE, SIDE, 3))
        grey = 100 if name == "train" else 101  # another one, so that no image is in both splits
        images = np.full_like(noise, grey) if constant else noise + 40 * (labels[:, None, None, None] % 4)
        return Split(tuple(f"{name}/{row}" for row in range(len(labels))), labels, images.astype(np.uint8))

    return Dataset("shades", classes, split("train", per_class), split("validation", 4))


def _train(dataset: Dataset, out: Path, **fields: Any) -> greycard.Run:
    usual = {"image_size": SIDE, "epochs": 1}
    if "backbones" not in fields:  # a probe has no steps
        usual |= {"batch_size": 8, "learning_rate": 0.01}
    return greycard.train(greycard.Recipe.make("r", "shades", **usual | fields), dataset, out=out, quiet=True)


@pytest.fixture(scope="module")
def backbones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Three small networks: two with feature maps of one size, one with a map of another size."""
    out, dataset = tmp_path_factory.mktemp("base"), _dataset()
    fields = {"one": {"width": 4, "blocks": (1, 1)}, "two": {"width": 6, "blocks": (1, 1)}, "other": {"conv": (4,)}}
    return {name: str(_train(dataset, out, **each).path) for name, each in fields.items()}


@pytest.fixture(scope="module")
def probe_of(backbones: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A finished probe of these backbones, trained when it is first asked for."""
    out, runs = tmp_path_factory.mktemp("probes"), {}

    def probe(*names: str) -> greycard.Run:
        if names not in runs:
            folders = tuple(backbones[name] for name in names)
            runs[names] = _train(_dataset(), out, backbones=folders, views="flip")
        return runs[names]

    return probe


@pytest.mark.slow
@pytest.mark.parametrize("second", ["two", "other"])
def test_the_logits_of_two_backbones_are_averaged(probe_of: Any, second: str) -> None:
    images = _dataset().validation.images

    def logits(*names: str) -> np.ndarray:
        found = np.log(load_model(probe_of(*names).path).network.predict_on_batch(images))
        return found - found.mean(axis=1, keepdims=True)

    expected = (logits("one") + logits(second)) / 2
    np.testing.assert_allclose(logits("one", second), expected, atol=1e-3)


def test_grad_cam_sees_two_backbones_whose_maps_have_one_size(probe_of: Any) -> None:
    image = _dataset().validation.images[0]
    assert probe_of("one", "two").explain(image).heat is not None
    assert probe_of("one", "other").explain(image).heat is None


def test_a_probe_has_one_epoch_and_the_figures_of_its_saved_model(probe_of: Any) -> None:
    run, dataset = probe_of("one"), _dataset()
    assert run.recipe.training.epochs == len(run.history) == 1
    outputs = load_model(run.path).network.predict_on_batch(dataset.validation.images)
    np.testing.assert_allclose(outputs, run.predictions["probabilities"], atol=1e-5)
    assert run.history[0].val_accuracy == run.summary.val_accuracy
    assert run.history[0].train_accuracy == run.summary.train_accuracy_after
    assert run.summary.val_accuracy > 0.5


@pytest.mark.parametrize(
    ("classes", "per_class", "constant"),
    [(CLASSES, 1, False), (("a", "b"), 1, False), (CLASSES, 3, True), (tuple(f"{n:04}" for n in range(200)), 2, False)],
)
def test_few_images_of_each_class_and_constant_ones_are_fitted(
    backbones: dict[str, str], tmp_path: Path, classes: tuple[str, ...], per_class: int, constant: bool
) -> None:
    run = _train(_dataset(per_class, classes, constant=constant), tmp_path, backbones=(backbones["one"],))
    assert np.isfinite(run.predictions["probabilities"]).all()
    assert run.summary.val_loss is not None


@pytest.mark.parametrize(
    "fields",
    [
        {"width": 4, "blocks": (1, 1), "views": "crops"},
        pytest.param(
            {"conv": (4,), "dense": (4,), "keep": "best", "epochs": 2, "views": "flip"}, marks=pytest.mark.slow
        ),
        {"backbone": "one", "dense": (4,), "views": "flip"},
        {"backbones": ("one",), "views": "crops"},
    ],
    ids=["resnet", "convnet", "pretrained", "probe"],
)
def test_figures_with_views_are_those_of_the_saved_model(
    backbones: dict[str, str], tmp_path: Path, fields: dict[str, Any]
) -> None:
    named = {name: backbones["one"] if value == "one" else value for name, value in fields.items()}
    named |= {"backbones": (backbones["one"],)} if "backbones" in fields else {}
    run, validation = _train(_dataset(), tmp_path, **named), _dataset().validation
    outputs = load_model(run.path).network.predict_on_batch(validation.images)
    np.testing.assert_allclose(outputs, run.predictions["probabilities"], atol=1e-5)
    assert run.summary.val_loss == pytest.approx(-np.mean(np.log(outputs[np.arange(12), validation.labels])), rel=1e-3)
    answers = [answer.label for answer in run.predict(validation.images)]
    assert answers == [CLASSES[label] for label in outputs.argmax(axis=1)]


@pytest.mark.parametrize("balance", ["weights", "sampling"])
def test_a_probe_balances_classes_of_different_sizes(backbones: dict[str, str], tmp_path: Path, balance: str) -> None:
    """Two classes that cannot be told apart: without balance, the larger one is the answer to everything."""
    draws = np.random.default_rng(0)
    labels = np.array([0] * 45 + [1] * 15)

    def split(name: str) -> Split:
        images = draws.integers(0, 256, (len(labels), SIDE, SIDE, 3)).astype(np.uint8)
        return Split(tuple(f"{name}/{row}" for row in range(len(labels))), labels, images)

    dataset = Dataset("noise", ("many", "few"), split("train"), split("validation"))
    plain, balanced = (
        _train(dataset, tmp_path, backbones=(backbones["one"],), balance=each).predictions["probabilities"][:, 1].mean()
        for each in ("none", balance)
    )
    assert plain == pytest.approx(0.25, abs=0.08)
    assert balanced == pytest.approx(0.5, abs=0.08)


def test_a_setting_for_epochs_is_refused_before_anything_is_written(backbones: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(GreycardError, match="label_smoothing would have no effect"):
        _train(_dataset(), tmp_path / "runs", backbones=(backbones["one"],), label_smoothing=0.1)
    assert not (tmp_path / "runs").exists()


def test_a_probe_of_a_network_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GreycardError, match="a probe fits only its head") as refused:
        greycard.train(
            greycard.Recipe.make("r", "shades", backbones=("MobileNet",), image_size=32),
            _dataset(),
            weights="none",
            out=tmp_path / "runs",
            quiet=True,
        )
    assert "--weights" in (refused.value.hint or "")
    assert not (tmp_path / "runs").exists()
