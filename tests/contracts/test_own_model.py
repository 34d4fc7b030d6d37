"""A user's own Keras model is trained, resumed, used and refused like one of Greycard's."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import greycard
from conftest import make_folder
from greycard.core.errors import GreycardError
from greycard.deploy.export.formats import FORMATS
from greycard.models.build import build_model
from greycard.models.custom import build_custom
from greycard.models.saved import load_model
from greycard.tasks.tasks import task_for

SIDE = 12
CLASSES = {2: ("dark", "light"), 3: ("dark", "grey", "light")}
SMALL: dict[str, Any] = {"image_size": SIDE, "epochs": 2, "batch_size": 8, "learning_rate": 0.01, "quiet": True}
Shape = tuple[int, int, int]


def _head(classes: int) -> layers.Dense:
    return layers.Dense(1, activation="sigmoid") if classes == 2 else layers.Dense(classes, activation="softmax")


def functional(shape: Shape, classes: int) -> keras.Model:
    """Floats, batch norm, two branches, dropout."""
    pixels = keras.Input(shape)
    x = layers.Conv2D(4, 3, padding="same")(layers.Rescaling(1 / 255)(pixels))
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.Add()([x, layers.Conv2D(4, 1)(x)])
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(pixels, _head(classes)(x), name="mine")


def sequential(shape: Shape, classes: int) -> keras.Model:
    """uint8 pixels."""
    return keras.Sequential(
        [
            keras.Input(shape, dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            _head(classes),
        ]
    )


def nested(shape: Shape, classes: int) -> keras.Model:
    """A model as a layer of another."""
    pixels = keras.Input(shape)
    body = keras.Sequential(
        [keras.Input(shape), layers.Conv2D(4, 3, strides=2), layers.BatchNormalization(), layers.ReLU()], name="body"
    )
    x = layers.GlobalAveragePooling2D()(body(layers.Rescaling(1 / 127.5, offset=-1)(pixels)))
    return keras.Model(pixels, _head(classes)(x))


CASES = pytest.mark.parametrize(
    ("build", "classes"), [(sequential, 2), (functional, 3), (nested, 2)], ids=["sequential", "functional", "nested"]
)


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    root, made = tmp_path_factory.mktemp("data"), {}

    def folder(classes: int) -> Path:
        if classes not in made:
            made[classes] = make_folder(root / f"shades-{classes}", ("train", "validation"), CLASSES[classes], 10)
        return made[classes]

    return folder


@pytest.fixture(scope="module")
def run_of(folder_of, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., greycard.Run]:
    """A finished run of a builder, trained when it is first asked for."""
    out, runs = tmp_path_factory.mktemp("runs"), {}

    def run(build: Callable[..., Any], classes: int) -> greycard.Run:
        if build not in runs:
            extra = {"rotation_range": 10.0} if build is functional else {}
            runs[build] = greycard.train(folder_of(classes), model=build, out=out, keep="best", **SMALL, **extra)
        return runs[build]

    return run


@CASES
def test_it_learns_and_answers_as_its_saved_model(run_of, folder_of, build: Any, classes: int) -> None:
    run = run_of(build, classes)
    assert run.recipe.architecture.endswith(build.__name__)
    assert tuple(run.classes) == CLASSES[classes]
    assert run.history[1].train_loss < run.history[0].train_loss
    pixels = np.stack([run.classifier.decode(folder_of(classes) / id) for id in run.predictions["ids"]])
    assert pixels.dtype == np.uint8
    answers = load_model(run.path).network.predict_on_batch(pixels).reshape(len(pixels), -1)
    expected = run.predictions["probabilities"].reshape(len(pixels), -1)
    np.testing.assert_allclose(answers[:, -1], expected[:, -1], atol=1e-5)
    assert run.predict(folder_of(classes) / run.predictions["ids"][0])[0].label in CLASSES[classes]


@CASES
def test_it_is_the_network_that_the_user_built(build: Any, classes: int) -> None:
    """The same weights give the same outputs, whatever the input's dtype."""
    made: list[keras.Model] = []
    shape = (SIDE, SIDE, 3)

    def remembered(shape: Shape, classes: int) -> keras.Model:
        made.append(build(shape, classes))
        return made[0]

    model = build_custom(remembered, shape, task_for(classes))
    pixels = np.random.default_rng(0).integers(0, 256, (4, *shape), dtype=np.uint8)
    theirs = made[0].predict_on_batch(pixels.astype(made[0].inputs[0].dtype))
    np.testing.assert_allclose(model.network.predict_on_batch(pixels), theirs, atol=1e-6)
    assert model.feature_layer is not None
    assert model.network.inputs[0].dtype == "uint8"


@CASES
def test_it_is_explained(run_of, folder_of, build: Any, classes: int) -> None:
    run = run_of(build, classes)
    explanation = run.explain(folder_of(classes) / run.predictions["ids"][0])
    assert explanation.heat is not None


@CASES
@pytest.mark.parametrize("form", ["keras", pytest.param("litert", marks=pytest.mark.slow)])
def test_it_is_exported_with_parity(run_of, folder_of, build: Any, classes: int, form: str) -> None:
    needs = next(each.needs for each in FORMATS if each.name == form)
    if not all(map(find_spec, needs)):
        pytest.skip(f"needs {' and '.join(needs)}")
    exported = run_of(build, classes).export(form, data=folder_of(classes))
    assert exported.path.exists()


def test_another_run_transfers_from_it(run_of, folder_of, tmp_path: Path) -> None:
    run = greycard.train(folder_of(3), backbone=run_of(functional, 3).path, out=tmp_path, quiet=True, epochs=1)
    assert run.recipe.model.kind == "pretrained"
    assert run.finished


@CASES
def test_it_resumes_bit_for_bit(interrupted, run_of, folder_of, tmp_path: Path, build: Any, classes: int) -> None:
    whole = run_of(build, classes)
    extra = {"rotation_range": 10.0} if build is functional else {}
    path = interrupted(3, folder_of(classes), model=build, out=tmp_path, keep="best", **SMALL, **extra)
    with pytest.raises(GreycardError, match="was not passed"):
        greycard.resume(path, quiet=True)
    resumed = greycard.resume(path, model=build, quiet=True)
    for ours, theirs in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)
    assert [epoch.val_loss for epoch in resumed.history] == [epoch.val_loss for epoch in whole.history]


def test_it_trains_in_both_precisions(folder_of, tmp_path: Path, precision: str) -> None:
    run = greycard.train(folder_of(3), model=functional, out=tmp_path, **SMALL)
    assert run.recipe.training.precision == precision
    assert {weight.dtype for weight in run.model.weights} == {"float32"} | (
        {"uint32"} if any("seed" in weight.path for weight in run.model.weights) else set()
    )


def test_two_classes_with_a_softmax(folder_of, tmp_path: Path) -> None:
    def build(shape: Shape, classes: int) -> keras.Model:
        return keras.Sequential(
            [keras.Input(shape), layers.Flatten(), layers.Rescaling(1 / 255), layers.Dense(classes, "softmax")]
        )

    with pytest.raises(GreycardError, match="must take") as refused:
        greycard.train(folder_of(2), model=build, out=tmp_path, **SMALL)
    assert 'task="multiclass"' in refused.value.hint
    run = greycard.train(folder_of(2), model=build, out=tmp_path, task="multiclass", **SMALL)
    assert run.model.output_shape == (None, 2)


def test_a_recipe_can_have_it(folder_of, tmp_path: Path) -> None:
    recipe = greycard.Recipe.make("mine", "shades", image_size=SIDE, epochs=1, conv=(4,))
    run = greycard.train(recipe, folder_of(2), model=sequential, out=tmp_path, quiet=True)
    assert run.recipe.model.kind == "custom"


def _sequential(*middle: Any, shape: Shape, last: Any = None) -> keras.Model:
    return keras.Sequential([keras.Input(shape), *middle, layers.Flatten(), last or layers.Dense(1, "sigmoid")])


def _two_inputs(shape: Shape) -> keras.Model:
    one, two = keras.Input(shape), keras.Input(shape)
    return keras.Model([one, two], layers.Dense(1, "sigmoid")(layers.Flatten()(layers.Add()([one, two]))))


class Unregistered(layers.Layer):
    """Cannot be made again: its configuration lacks `factor`."""

    def __init__(self, factor: float, **others: Any) -> None:
        super().__init__(**others)
        self.factor = factor

    def call(self, x: Any) -> Any:
        return x * self.factor


class Subclassed(keras.Model):
    """Has no graph."""

    def call(self, x: Any) -> Any:
        return x


REFUSED: dict[str, tuple[Callable[..., Any], str]] = {
    "nothing": (lambda shape, classes: None, "must return"),
    "subclassed": (lambda shape, classes: Subclassed(), "must return"),
    "without input": (lambda shape, classes: keras.Sequential([layers.Dense(1)]), "must return"),
    "lambda": (lambda shape, classes: _sequential(layers.Lambda(lambda x: x), shape=shape), "Lambda layer"),
    "layer that cannot be loaded": (
        lambda shape, classes: _sequential(Unregistered(0.5), shape=shape),
        "cannot be saved and loaded",
    ),
    "another size": (lambda shape, classes: _sequential(shape=(8, 8, 3)), "must take"),
    "logits": (lambda shape, classes: _sequential(shape=shape, last=layers.Dense(1)), "not probabilities"),
    "no dense head": (
        lambda shape, classes: _sequential(
            layers.Conv2D(1, SIDE, activation="sigmoid"), shape=shape, last=layers.Reshape((1,))
        ),
        "dense head",
    ),
    "two inputs": (lambda shape, classes: _two_inputs(shape), "must return"),
    "one argument": (lambda shape: None, "is called with"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_trained_is_refused_with_a_sentence_and_a_hint(case: str) -> None:
    build, said = REFUSED[case]
    with pytest.raises(GreycardError, match=said) as refused:
        build_custom(build, (SIDE, SIDE, 3), task_for(2))
    assert "\n" not in refused.value.args[0]
    assert refused.value.hint


def test_a_function_is_expected_and_only_where_it_builds_the_model(folder_of, tmp_path: Path) -> None:
    network = sequential((SIDE, SIDE, 3), 2)
    for wrong in (network, keras.Model, "build"):
        with pytest.raises(GreycardError, match="model takes a function"):
            greycard.train(folder_of(2), model=wrong, out=tmp_path, **SMALL)
    for changes in ({"backbone": "MobileNetV2"}, {"model.kind": "resnet"}):
        with pytest.raises(GreycardError, match="cannot be used together"):
            greycard.train(folder_of(2), model=sequential, out=tmp_path, **SMALL, **changes)
    assert not list(tmp_path.iterdir())


def test_without_its_function_it_is_named_on_the_command_line(cli, interrupted, folder_of, tmp_path: Path) -> None:
    run = interrupted(1, folder_of(2), model=sequential, out=tmp_path / "runs", **SMALL)
    saved = greycard.open_run(run).recipe.save(tmp_path / "recipe.yaml")
    for words in (("resume", run), ("run", saved), ("train", folder_of(2), "--set", "model.kind=custom")):
        outcome = cli(*words)
        assert outcome.code == 2, outcome.err
        assert "Traceback" not in outcome.err
        assert "model=build" in outcome.err


def test_the_builder_is_not_asked_of_other_recipes() -> None:
    recipe = greycard.Recipe.make("shades", "shades", image_size=SIDE, conv=(4,))
    assert build_model(recipe, 2).network.output_shape == (None, 1)


def test_advice_is_about_the_users_model(run_of, folder_of, tmp_path: Path) -> None:
    """No command can train it, and none of Greycard's fields fits it."""

    def blind(shape: Shape, classes: int) -> keras.Model:
        return _sequential(layers.Rescaling(0.0), shape=shape)

    run = greycard.train(folder_of(2), model=blind, out=tmp_path, **SMALL)
    steps = [verdict.next_step for verdict in run.diagnose()]
    assert steps
    assert not any("greycard train" in step or "greycard run" in step or "--set" in step for step in steps)
