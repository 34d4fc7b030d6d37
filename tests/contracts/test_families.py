"""What every model family promises: trained, resumed, fused, saved, exported, explained and transferred from, alike."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import greycard
from conftest import make_folder
from greycard import backend
from greycard.backend import execution
from greycard.backend.choices import Choices
from greycard.backend.steps import KerasSteps
from greycard.core.errors import GreycardError
from greycard.deploy.export.formats import FORMATS
from greycard.models.build import build_model
from greycard.models.families import FAMILIES
from greycard.models.mixed_precision import mixed_precision
from greycard.models.model import Model
from greycard.models.saved import load_model
from greycard.models.stated import stated
from greycard.training import best_weights, checkpointer
from greycard.training.interruption import InterruptedRunError
from variants import quick_are

SIDE, CLASSES = 12, ("dark", "grey", "light")
SETTINGS: dict[str, dict[str, Any]] = {
    "mlp": {"dense": (4,), "dropout": 0.2},
    "convnet": {"conv": (4,), "dense": (4,), "dropout": 0.2},
    "resnet": {"width": 4, "blocks": (1, 1), "dropout": 0.2},
    "pretrained": {"dense": (4,), "dropout": 0.2},
    "probe": {"views": "flip"},
}
"""The smallest model of each family; pretrained ones and probes transfer from the residual network."""

FROZEN = {"pretrained": "backbone", "probe": "backbones"}
"""The families with a frozen part, and the field that names it."""

AT_ONCE = ("probe",)
"""The families that are fitted in one epoch."""

KINDS = pytest.mark.parametrize("kind", FAMILIES)
EXPORTS = [
    pytest.param(form.name, marks=pytest.mark.slow if form.name == "html" else ()) for form in FORMATS if form.exact
]
TOLERANCE = {"float32": 1e-4, "bfloat16": 2e-2}


def recipe_of(kind: str, **changes: Any) -> greycard.Recipe:
    by_epochs = {"epochs": 2, "batch_size": 8, "learning_rate": 0.01, "keep": "best"}
    common = {"image_size": SIDE} | ({} if kind in AT_ONCE else by_epochs)
    return greycard.Recipe.make(kind, "shades", **{"model": kind} | SETTINGS[kind] | common | changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("data") / "shades", ("train", "validation"), CLASSES, 10)


@pytest.fixture(scope="module")
def dataset(folder: Path) -> greycard.Dataset:
    return greycard.load_folder(folder)


@pytest.fixture(scope="module", autouse=True)
def first_epoch_is_best() -> Iterator[None]:
    """So that every run goes back to it: the second epoch changes all weights and moving statistics."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(best_weights, "best_epoch", lambda history: history[0])
        yield


@pytest.fixture(scope="module")
def run_of(dataset: greycard.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], greycard.Run]:
    """A finished run of a family, trained when it is first asked for."""
    out, runs = tmp_path_factory.mktemp("runs"), {}

    def run(kind: str) -> greycard.Run:
        if kind not in runs:
            runs[kind] = greycard.train(recipe(kind), dataset, out=out, quiet=True)
        return runs[kind]

    def recipe(kind: str) -> greycard.Recipe:
        return recipe_of(kind, **({FROZEN[kind]: str(run("resnet").path)} if kind in FROZEN else {}))

    return run


@pytest.fixture
def model_of(run_of: Callable[[str], greycard.Run]) -> Callable[[str], Model]:
    """A family's model as its run built it, before training, but for dropout, which XLA draws in its own way."""

    def model(kind: str) -> Model:
        backend.seed_everything(5)
        return build_model(run_of(kind).recipe.replace(**{"dropout": 0.0} if "dropout" in SETTINGS[kind] else {}), 3)

    return model


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Send this process a signal when training looks for one the n-th time."""
    asked = checkpointer.Checkpointer.after_step

    def at(moment: int) -> None:
        calls = iter(range(1, 1000))

        def after_step(self: checkpointer.Checkpointer, state: Any) -> bool:
            if next(calls) == moment:
                os.kill(os.getpid(), signal.SIGINT)
            return asked(self, state)

        monkeypatch.setattr(checkpointer.Checkpointer, "after_step", after_step)

    yield at
    monkeypatch.undo()


def _pixels(count: int = 22) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(3)
    return draws.integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8), draws.integers(0, len(CLASSES), count)


def _numbers(run: greycard.Run) -> list[dict[str, Any]]:
    return [{key: value for key, value in vars(epoch).items() if "seconds" not in key} for epoch in run.history]


def _images(run: greycard.Run, folder: Path) -> np.ndarray:
    return np.stack([run.classifier.decode(folder / id) for id in run.predictions["ids"]])


def test_every_family_is_covered() -> None:
    assert SETTINGS.keys() == FAMILIES.keys()


@KINDS
@pytest.mark.small_project
def test_a_run_learns_and_its_saved_model_is_the_best_epochs(run_of, folder: Path, kind: str) -> None:
    """With that epoch's moving statistics: it is measured as it was then, and answers as it did."""
    run = run_of(kind)
    assert run.finished
    assert len(run.history) == (1 if kind in AT_ONCE else 2)
    assert run.summary.kept_epoch == (None if kind in AT_ONCE else 1)
    assert run.summary.val_loss == pytest.approx(run.history[0].val_loss, rel=1e-5)
    if kind not in AT_ONCE:
        assert run.history[1].train_loss != run.history[0].train_loss  # it trains; other backends draw other numbers
        assert run.history[1].val_loss != run.history[0].val_loss
    answers = load_model(run.path).network.predict_on_batch(_images(run, folder))
    np.testing.assert_allclose(answers, run.predictions["probabilities"], atol=1e-5)


@KINDS
def test_a_model_states_what_its_graph_says(run_of, model_of, kind: str) -> None:
    """The builder's statement, what is worked out of the graph, and what a saved run states are the same."""
    model = model_of(kind)
    assert (model.feature_layer is None) == (kind == "mlp")
    assert model.to_json() == stated(model.network).to_json() | {"preprocessing": model.to_json()["preprocessing"]}
    saved = load_model(run_of(kind).path).to_json()
    assert (saved["views"] is None) == (run_of(kind).recipe.prediction.views is None)
    assert saved == model.to_json() | {"views": saved["views"]}
    assert model.is_frozen == (kind in FROZEN)


@pytest.mark.parametrize("kind", quick_are(("convnet", "probe"), FAMILIES))
@pytest.mark.small_project
def test_resumed_equals_uninterrupted(
    run_of, dataset, interrupt, monkeypatch: pytest.MonkeyPatch, kind: str, tmp_path: Path
) -> None:
    """Interrupted within the second epoch: weights, optimizer, moving statistics and dropout go on bit for bit."""
    monkeypatch.setattr(execution, "_MOST_STEPS", 1)
    whole = run_of(kind)
    interrupt(6)
    with pytest.raises(InterruptedRunError) as stop:
        greycard.train(whole.recipe, dataset, out=tmp_path, quiet=True)
    resumed = greycard.resume(stop.value.run, dataset, quiet=True)
    assert resumed.summary.resumed == 1
    assert _numbers(resumed) == _numbers(whole)
    for ours, theirs in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


@KINDS
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_fused_forward_is_keras_own(model_of, kind: str, precision: str) -> None:
    """Outputs, gradients, and what batch norm keeps."""
    tf = pytest.importorskip("tensorflow")
    from greycard.backend.tensorflow_forward import forward

    images, _ = _pixels(8)
    found = []
    for fused in (True, False):
        network = model_of(kind).network
        call = forward(network, Choices()) if fused else lambda x, model=network: model(x, training=True)
        with mixed_precision(network, precision), tf.GradientTape() as tape:
            backend.seed_everything(2)
            outputs = call(tf.constant(images))
            total = tf.reduce_sum(outputs * tf.range(1.0, len(CLASSES) + 1))
        gradients = tape.gradient(total, [weight.value for weight in network.trainable_variables])
        found.append([outputs, *gradients, *network.non_trainable_variables])
    for ours, theirs in zip(*found, strict=True):
        ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        assert np.linalg.norm(ours - theirs) <= TOLERANCE[precision] * np.linalg.norm(theirs) + 1e-6


@pytest.mark.parametrize("kind", quick_are(("convnet", "probe"), FAMILIES))
def test_compiled_steps_are_keras_steps(model_of, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """22 images in batches of 4: the last batch is smaller, and moving statistics count it."""
    pytest.importorskip("tensorflow")
    from greycard.backend import tensorflow_steps

    monkeypatch.setattr(tensorflow_steps, "_WORTH_COMPILING", 0)
    images, labels = _pixels()
    ours, theirs = model_of(kind).network, model_of(kind).network
    steps, keras_steps = tensorflow_steps.TensorFlowSteps(ours, 4, 6, Choices()), KerasSteps(theirs)
    size = 4 * steps.steps_per_execution
    assert size > 4
    for each, batch in ((steps, size), (keras_steps, 4)):
        for start in range(0, len(images), batch):
            each.train(images[start : start + batch], labels[start : start + batch])
    assert steps.result() == pytest.approx(keras_steps.result(), rel=1e-3)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-2, atol=1e-3)


@KINDS
@pytest.mark.parametrize("form", EXPORTS)
@pytest.mark.usefixtures("form_is_possible")
def test_every_export_answers_as_the_run_does(run_of, folder: Path, kind: str, form: str, tmp_path: Path) -> None:
    if keras.backend.backend() != "tensorflow" and form != "keras":
        pytest.skip(f"{form} is written by TensorFlow")
    ending = next(each.ending for each in FORMATS if each.name == form)
    done = run_of(kind).export(form, tmp_path / f"model{ending}", data=folder)
    assert done.parity.passed


@KINDS
@pytest.mark.small_project
def test_an_image_is_explained(run_of, folder: Path, kind: str) -> None:
    """By Grad-CAM where there is a feature map, by the occlusion map always."""
    run = run_of(kind)
    found = run.explain(folder / run.predictions["ids"][0])
    assert np.isfinite(found.occlusion).all()
    assert (found.heat is None) == (kind == "mlp") == (not found.maps)
    if found.heat is not None:
        assert found.heat.shape == (SIDE, SIDE)
        assert np.isfinite(found.heat).all()
        assert run.filters() is not None


@KINDS
@pytest.mark.small_project
def test_another_model_transfers_from_it(run_of, kind: str) -> None:
    """Its layers are taken as they are, and training the new head changes none of them, nor their statistics."""
    earlier = run_of(kind)
    recipe = run_of("pretrained").recipe.replace(backbone=str(earlier.path))
    model = build_model(recipe, len(CLASSES))
    images, labels = _pixels(8)
    KerasSteps(model.network).train(images, labels)
    assert model.is_frozen
    source = load_model(earlier.path)
    expected = keras.Model(source.network.inputs, source.transferable).get_weights()
    taken = keras.Model(model.network.inputs, model.vector).get_weights()
    assert len(taken) == len(expected) > 0
    assert all(np.array_equal(ours, other) for ours, other in zip(taken, expected, strict=True))


def test_a_statement_that_does_not_fit_is_refused(run_of, tmp_path: Path) -> None:
    for text, said in (
        (None, "has no model.json"),
        ("{", "cannot be read"),
        ('{"schema": 0}', "expected 2"),
        ('{"schema": 2, "head": "nowhere"}', "no layer 'nowhere'"),
        ('{"schema": 2, "head": "scaling"}', "is not a dense layer"),
    ):
        copy = tmp_path / said.replace(" ", "")
        shutil.copytree(run_of("mlp").path, copy)
        (copy / "model.json").unlink()
        if text is not None:
            (copy / "model.json").write_text(text)
        with pytest.raises(GreycardError, match=said) as refused:
            _ = greycard.open_run(copy).model
        assert refused.value.hint


@pytest.mark.parametrize(
    ("side", "changes", "fits"),
    [(28, {}, True), (150, {"stem_stride": 2}, True), (16, {}, True), (16, {"stem_stride": 2}, False), (15, {}, False)],
)
def test_a_resnet_says_which_sizes_fit(side: int, changes: dict[str, Any], fits: bool) -> None:
    recipe = recipe_of("resnet", image_size=side, channels=1, blocks=(1, 1, 1), task="multiclass", **changes)
    if fits:
        assert build_model(recipe, 3).feature_map is not None
        return
    with pytest.raises(GreycardError, match="do not fit images") as refused:
        build_model(recipe, 3)
    assert "--set blocks" in refused.value.hint
