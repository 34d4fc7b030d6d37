"""Fine-tuning of a probe: which layers, how fast, the average of the weights, and an interruption."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import greycard
from conftest import make_folder
from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Split
from greycard.models.build import build_model
from greycard.models.layer_rates import scale_rates
from greycard.models.saved import load_model
from greycard.models.tuning import rates, split_below_tuned
from greycard.tasks.binary import Binary
from greycard.training import checkpointer, fine_tuning
from greycard.training.fine_tuning import SHARES, inner_validation, mean_loss
from greycard.training.interruption import InterruptedRunError
from variants import quick_are

SIDE, CLASSES = 12, ("dark", "grey", "light")
PARTS = pytest.mark.parametrize("part", ["last", "all"])


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> greycard.Dataset:
    folder = make_folder(tmp_path_factory.mktemp("data") / "shades", ("train", "validation"), CLASSES, 12)
    return greycard.load_folder(folder)


@pytest.fixture(scope="module")
def earlier(dataset: greycard.Dataset, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a small residual network, which is the backbone."""
    recipe = greycard.Recipe.make(
        "base", "shades", width=4, blocks=(1, 1), image_size=SIDE, epochs=1, batch_size=8, learning_rate=0.01
    )
    return str(greycard.train(recipe, dataset, out=tmp_path_factory.mktemp("base"), quiet=True).path)


@pytest.fixture(scope="module")
def recipe_of(earlier: str) -> Callable[..., greycard.Recipe]:
    def recipe(part: str, **changes: Any) -> greycard.Recipe:
        fields = {"image_size": SIDE, "epochs": 3, "batch_size": 8, "learning_rate": 0.01, "views": "flip"} | changes
        return greycard.Recipe.make("tuned", "shades", backbones=(earlier,), fine_tune=part, **fields)

    return recipe


@pytest.fixture(scope="module")
def run_of(recipe_of, dataset: greycard.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """A finished run, trained when it is first asked for."""
    out, runs = tmp_path_factory.mktemp("runs"), {}

    def run(part: str) -> greycard.Run:
        if part not in runs:
            runs[part] = greycard.train(recipe_of(part), dataset, out=out, quiet=True)
        return runs[part]

    return run


def _backbone(network: keras.Model) -> keras.Model:
    return network.get_layer("backbone")


@pytest.mark.parametrize("part", quick_are(("last",), ("last", "all")))
def test_the_first_epoch_is_the_probe_and_the_others_tune(
    run_of, recipe_of, dataset, part: str, tmp_path: Path
) -> None:
    tuned = run_of(part)
    probe = greycard.train(recipe_of(part, epochs=1), dataset, out=tmp_path, quiet=True)
    assert [epoch.epoch for epoch in tuned.history] == [1, 2, 3]
    assert probe.history[0].val_loss == tuned.history[0].val_loss
    assert len({epoch.val_loss for epoch in tuned.history}) == 3
    rate = f"{100 * tuned.summary.val_accuracy:.1f} %"
    assert any(rate in verdict.sentence for verdict in tuned.diagnose())  # of the saved model, not of the last epoch
    answers = load_model(tuned.path).network.predict_on_batch(
        np.stack([tuned.classifier.decode(path) for path in dataset.validation.images])
    )
    np.testing.assert_allclose(answers, tuned.predictions["probabilities"], atol=1e-5)


@pytest.mark.slow
def test_a_schedule_ends_with_the_last_step(recipe_of, dataset, tmp_path: Path) -> None:
    fields = {"schedule": "step", "milestones": (0.8,), "factor": 0.1}
    run = greycard.train(recipe_of("last", **fields), dataset, out=tmp_path, quiet=True)
    assert [epoch.learning_rate for epoch in run.history] == pytest.approx([0.01, 0.01, 0.001])


SOFT = (
    {"label_smoothing": 0.2}, {"mixup": 0.4}, {"balance": "weights"}, {"balance": "sampling"}, {"cutmix": 1.0},
    {"mixup": 0.4, "cutmix": 1.0, "label_smoothing": 0.1, "balance": "sampling"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("part", "settings"),
    [
        pytest.param(part, each, marks=() if part == "last" and each == {"balance": "weights"} else pytest.mark.slow)
        for part in ("last", "all")
        for each in SOFT
        if part == "all" or "cutmix" not in each
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_tuning_learns_from_the_targets_of_the_recipe(
    recipe_of, part: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    """Training with the setting differs from training without it, from the first tuned epoch on."""
    labels = np.array([0] * 12 + [1] * 6 + [2] * 3)
    images = np.random.default_rng(0).integers(0, 256, (len(labels), SIDE, SIDE, 3)).astype(np.uint8)
    splits = [
        Split(tuple(f"{name}/{row}" for row in range(len(labels))), labels, images ^ flip)
        for name, flip in (("train", np.uint8(0)), ("validation", np.uint8(1)))
    ]
    dataset = greycard.Dataset("noise", CLASSES, *splits)
    plain, soft = (
        greycard.train(recipe_of(part, epochs=2, views=None, **each), dataset, out=tmp_path, quiet=True)
        for each in ({}, settings)
    )
    assert np.isfinite(soft.predictions["probabilities"]).all()
    assert soft.history[1].train_loss != plain.history[1].train_loss
    assert soft.history[1].val_loss != plain.history[1].val_loss


@PARTS
def test_only_the_layers_to_tune_change(recipe_of, run_of, part: str, earlier: str, monkeypatch) -> None:
    """Batch norm never changes; with `last`, nor do the layers below the last block."""
    before = load_model(Path(earlier)).network
    after = _backbone(load_model(run_of(part).path).network)
    model = build_model(run_of(part).recipe, len(CLASSES))
    tuned = {weight.path.split("/")[-2] for weight in _backbone(model.network).trainable_weights}
    assert tuned
    assert not any(name.endswith("_bn") for name in tuned)
    assert ("stem_conv" in tuned) == (part == "all")
    for layer in after.layers:
        same = (
            [
                np.array_equal(*pair)
                for pair in zip(layer.get_weights(), before.get_layer(layer.name).get_weights(), strict=True)
            ]
            if layer.weights
            else []
        )
        assert all(same) or layer.name in tuned


@pytest.mark.parametrize("part", quick_are(("last",), ("last", "all")))
def test_resumed_equals_uninterrupted(run_of, dataset, part: str, tmp_path: Path, monkeypatch) -> None:
    """Interrupted in the last epoch: the resumed run solves the probe again for the average."""
    whole, asked, calls = run_of(part), checkpointer.Checkpointer.after_step, iter(range(10_000))
    tuning = [0]

    def after_step(self: checkpointer.Checkpointer, state: Any) -> bool:
        tuning[0] += state.epoch == 2
        if tuning[0] == 2:
            os.kill(os.getpid(), signal.SIGINT)
        next(calls)
        return asked(self, state)

    monkeypatch.setattr(checkpointer.Checkpointer, "after_step", after_step)
    with pytest.raises(InterruptedRunError) as stop:
        greycard.train(whole.recipe, dataset, out=tmp_path, quiet=True)
    monkeypatch.undo()
    resumed = greycard.resume(stop.value.run, dataset, quiet=True)
    assert resumed.summary.resumed == 1
    assert [epoch.val_loss for epoch in resumed.history] == [epoch.val_loss for epoch in whole.history]
    for ours, theirs in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("share", quick_are((0.25, 1.0), SHARES))
def test_the_saved_weights_are_an_average(
    run_of, recipe_of, dataset, share: float, tmp_path: Path, monkeypatch
) -> None:
    found = []

    def loss(self: Any, before: list[np.ndarray], after: list[np.ndarray], tried: float) -> float:
        found.append((before, after))
        return abs(tried - share)

    monkeypatch.setattr(fine_tuning.TunedProbe, "_loss", loss)
    run = greycard.train(recipe_of("last", epochs=2), dataset, out=tmp_path, quiet=True)
    before, after = found[0]
    assert any(not np.array_equal(*pair) for pair in zip(before, after, strict=True))
    kernel = run.model.get_layer("probabilities").kernel
    expected = next(
        (1 - share) * one + share * other
        for one, other in zip(before, after, strict=True)
        if one.shape == tuple(kernel.shape)
    )
    np.testing.assert_allclose(np.asarray(kernel), expected, atol=1e-6)


def test_balanced_classes_count_the_same_when_the_share_is_chosen() -> None:
    labels, outputs = np.array([0, 0, 0, 1]), np.array([[0.1], [0.1], [0.1], [0.4]], np.float32)
    of_classes = -np.log([0.9, 0.4])
    assert mean_loss(Binary(2), labels, outputs, balanced=False) == pytest.approx(
        (3 * of_classes[0] + of_classes[1]) / 4
    )
    assert mean_loss(Binary(2), labels, outputs, balanced=True) == pytest.approx(of_classes.mean())


def test_no_image_chooses_the_share_if_each_class_has_one() -> None:
    assert not inner_validation(np.arange(5), None, 0).any()
    labels = np.arange(40) % 2
    out = inner_validation(labels, None, 0)
    assert np.bincount(labels[out]).tolist() == [2, 2]
    groups = np.arange(40) // 4
    assert all(len(set(inner_validation(labels, groups, 0)[groups == group])) == 1 for group in range(10))


def test_the_parts_of_a_split_model_compute_what_the_whole_does(recipe_of) -> None:
    model = build_model(recipe_of("last").replace(task="multiclass"), len(CLASSES))
    tuned = split_below_tuned(model)
    images = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3), dtype=np.uint8)
    maps = tuned.bottom.predict_on_batch(images)
    np.testing.assert_allclose(
        tuned.top.network.predict_on_batch(maps), model.network.predict_on_batch(images), atol=1e-6
    )
    assert not tuned.bottom.trainable_weights
    ours, theirs = ({weight.path for weight in part.trainable_weights} for part in (tuned.top.network, model.network))
    assert ours == theirs


def test_the_last_block_of_a_known_network() -> None:
    network = keras.applications.MobileNet(alpha=0.25, include_top=False, weights=None, input_shape=(32, 32, 3))
    from greycard.models.tuning import _last_block

    base = keras.Model(network.inputs, network.output, name="backbone")
    cut = _last_block(base)
    below = sum(layer.count_params() for layer in base.layers[: base.layers.index(cut) + 1])
    assert cut.name == "conv_dw_13_relu"
    assert 0.25 <= 1 - below / base.count_params() < 0.6


def test_earlier_layers_learn_more_slowly(recipe_of) -> None:
    model = build_model(recipe_of("all").replace(task="multiclass"), len(CLASSES))
    found = rates(model)
    assert set(found) == {weight.path for weight in model.network.trainable_weights}
    stem = next(rate for path, rate in found.items() if "stem" in path)
    head = found[model.head.kernel.path]
    assert stem == min(found.values()) < head == 1


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
def test_a_layers_rate_scales_its_update(kind: str) -> None:
    def weights(factor: float, *, by_rate: bool) -> list[np.ndarray]:
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)])
        optimizer = keras.optimizers.get(
            {"class_name": kind, "config": {"learning_rate": 0.1 * (factor if by_rate else 1)}}
        )
        if not by_rate:
            scale_rates(optimizer, {weight.path: factor for weight in model.layers[0].weights})
        model.compile(optimizer, "mse")
        model.train_on_batch(np.ones((2, 3), np.float32), np.ones((2, 1), np.float32))
        return [np.array(each) for each in model.get_weights()]

    scaled, slow, usual = weights(0.1, by_rate=False), weights(0.1, by_rate=True), weights(1.0, by_rate=True)
    for place in (0, 1):
        np.testing.assert_allclose(scaled[place], slow[place], atol=1e-3 if kind == "adamw" else 1e-6)
    for place in (2, 3):
        np.testing.assert_allclose(scaled[place], usual[place], atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rotation_range": 10}, "augmentation would have no effect"),
        ({"cutmix": 1.0}, "cutmix would have no effect"),
        ({"fine_tune": None, "rotation_range": 10}, "augmentation, learning_rate, batch_size and epochs would have no"),
        ({"backbones": ("twice",)}, "takes one backbone"),
    ],
)
def test_what_would_have_no_effect_is_refused(
    recipe_of, dataset, earlier: str, changes: dict[str, Any], words: str
) -> None:
    if "backbones" in changes:
        changes = {"backbones": (earlier, os.path.join(earlier, "."))}
    with pytest.raises(GreycardError, match=words) as refused:
        greycard.train(recipe_of("last").replace(**changes), dataset, quiet=True)
    assert refused.value.hint
    assert not Path("runs").exists()
