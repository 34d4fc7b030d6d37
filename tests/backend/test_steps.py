"""The fast steps and features compute what Keras computes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import greycard
from greycard import backend
from greycard.backend import inference, litert, tensorflow_steps
from greycard.backend.choices import Choices
from greycard.backend.execution import is_dense
from greycard.backend.start import muted
from greycard.backend.steps import KerasSteps, Steps, steps_for
from greycard.backend.tensorflow_conv_pool import conv_pool
from greycard.backend.tensorflow_steps import TensorFlowSteps
from greycard.backend.tensorflow_winograd import convolve
from greycard.evaluation.calibration import at_temperature
from greycard.models.build import build_model
from greycard.models.mixed_precision import mixed_precision
from greycard.models.model import Model
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.augmentation import Augmentation
from greycard.pipeline.loader import Loader
from greycard.recipe import Recipe

tf = pytest.importorskip("tensorflow")

RECIPES = {
    "dense": Recipe.make(name="d", dataset="d", image_size=(9, 9), dense=(12,)),
    "conv": Recipe.make(name="c", dataset="c", image_size=(21, 18), conv=(4, 6), dense=(8,)),
}
CLASSES = {"dense": 3, "conv": 2}
_SEEDS = st.integers(0, 99)


def _data(recipe: Recipe, classes: int, count: int = 22) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(3)
    assert recipe.data.image_size is not None
    images = draws.integers(0, 256, (count, *recipe.data.image_size, 3), dtype=np.uint8)
    return images, draws.integers(0, classes, count)


def _model(name: str) -> keras.Model:
    backend.seed_everything(5)
    return build_model(RECIPES[name], CLASSES[name]).network


@pytest.mark.parametrize(
    ("way", "channels_filters"),
    [
        pytest.param("gray", (1, 3), marks=pytest.mark.slow),
        ("onednn", (3, 4)),
        ("xla-pool", (3, 4)),
        ("xla", (2, 3)),
        pytest.param("winograd", (2, 3), marks=pytest.mark.slow),
    ],
)
@settings(max_examples=3)
@given(
    height=st.integers(4, 11),
    width=st.integers(4, 11),
    seed=_SEEDS,
)
def test_conv_pool_is_convolution_relu_and_pooling_and_so_is_its_gradient(
    height: int, width: int, way: str, channels_filters: tuple[int, int], seed: int
) -> None:
    """Whichever way the convolution is computed."""
    draws, (channels, filters) = np.random.default_rng(seed), channels_filters
    shapes = ((2, height, width, channels), (3, 3, channels, filters), (filters,))
    arguments = [tf.constant(draws.normal(size=shape).astype(np.float32)) for shape in shapes]

    def stock(x: Any, kernel: Any, bias: Any) -> Any:
        return tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "VALID") + bias), 2, 2, "VALID")

    results = []
    for operation in (partial(conv_pool, way=way), stock):
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            outputs = operation(*arguments)
            total = tf.reduce_sum(outputs * tf.range(1.0, filters + 1))
        results.append([outputs, *tape.gradient(total, arguments)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * np.abs(theirs).max() + 1e-6)


@pytest.mark.slow
@settings(max_examples=5)
@given(
    height=st.integers(1, 10),
    width=st.integers(1, 10),
    more=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    seed=_SEEDS,
)
def test_winograd_is_a_convolution_and_so_are_its_gradients(
    height: int, width: int, more: tuple[int, int], seed: int
) -> None:
    """Held against sums in float64; `more` rows and columns than the result needs must get no gradient."""
    draws = np.random.default_rng(seed)
    x = draws.normal(size=(2, height + 2 + more[0], width + 2 + more[1], 5))
    kernel, upstream = draws.normal(size=(3, 3, 5, 4)), draws.normal(size=(2, height, width, 4))
    exact = [tf.constant(array) for array in (x, kernel)]
    with tf.GradientTape() as tape:
        tape.watch(exact)
        expected = tf.nn.conv2d(exact[0][:, : height + 2, : width + 2], exact[1], 1, "VALID")
    by_sums = tape.gradient(expected, exact, output_gradients=tf.constant(upstream))
    result, gradients = convolve(*(tf.constant(array, tf.float32) for array in (x, kernel)), height, width)
    found = [result, *gradients(tf.constant(upstream, tf.float32))]
    for ours, theirs in zip(found, [expected, *by_sums], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())


def _trained(steps: Steps, images: np.ndarray, labels: np.ndarray) -> list[dict[str, float]]:
    measured = []
    for _ in range(3):
        size = 4 * steps.steps_per_execution
        for start in range(0, len(images), size):
            steps.train(images[start : start + size], labels[start : start + size])
        measured.append(steps.result())
    return measured


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize(
    ("compiled", "part"), [(False, None), pytest.param(True, None, marks=pytest.mark.slow), (True, 2)]
)
def test_steps_are_keras_steps(name: str, compiled: bool, part: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """22 images in batches of 4: the last batch is smaller, and several whole ones go into one call."""
    monkeypatch.setattr(tensorflow_steps, "_WORTH_COMPILING", 0 if compiled else 1e18)
    images, labels = _data(RECIPES[name], CLASSES[name])
    ours, theirs = _model(name), _model(name)
    steps = TensorFlowSteps(ours, 4, 18, Choices(part=part))
    assert (steps.steps_per_execution > 1) == compiled
    for found, expected in zip(
        _trained(steps, images, labels), _trained(KerasSteps(theirs), images, labels), strict=True
    ):
        assert found == pytest.approx(expected, rel=1e-3)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-2, atol=1e-4)
    np.testing.assert_allclose(steps.predict(images), KerasSteps(theirs).predict(images), rtol=1e-2, atol=1e-3)


def _classifier(
    loss: Any = "sparse_categorical_crossentropy",
    optimizer: Any = "adam",
    size: tuple[int | None, ...] = (5,),
    units: int = 3,
    kind: type[keras.Model] = keras.Model,
    outputs: int = 1,
    **compiling: Any,
) -> keras.Model:
    """A small model, as `matches` has to judge it."""
    inputs = keras.Input(size)
    x = layers.GlobalAveragePooling1D()(inputs) if len(size) > 1 else inputs
    heads = [layers.Dense(units, activation="softmax")(x) for _ in range(outputs)]
    model = kind(inputs, heads if outputs > 1 else heads[0])
    model.compile(optimizer=optimizer, loss=[loss] * outputs if outputs > 1 else loss, **compiling)
    return model


class _OwnStep(keras.Model):
    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


class _OwnLoss(keras.Model):
    def compute_loss(self, *arguments: Any, **named: Any) -> Any:
        return 2 * super().compute_loss(*arguments, **named)


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "categorical_focal_crossentropy"},
        {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True)},
        {"loss": "binary_crossentropy", "units": 2},
        {"loss": "mean_squared_error", "units": 2},
        {"optimizer": "nadam"},
        {"optimizer": keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())},
        {"loss_weights": 2.0},
        {"outputs": 2},
        {"size": (None, 5)},
        {"kind": _OwnStep},
        {"kind": _OwnLoss},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_a_model_that_the_fast_steps_are_not_for_is_trained_by_keras(changes: dict[str, Any]) -> None:
    assert isinstance(steps_for(_classifier(), 4, 1, Choices()), TensorFlowSteps)
    assert isinstance(steps_for(_classifier(**changes), 4, 1, Choices()), KerasSteps)


def test_a_regularizers_loss_is_part_of_the_steps_loss(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorflow_steps, "_WORTH_COMPILING", 0)
    draws, tolerance = np.random.default_rng(0), 1e-5 if precision == "float32" else 1e-2
    images, labels = draws.random((8, 9, 9, 1), np.float32), draws.integers(0, 3, 8)
    found = []
    for kind in (lambda model: TensorFlowSteps(model, 4, 2, Choices()), KerasSteps):
        keras.utils.set_random_seed(1)
        inputs = keras.Input((9, 9, 1))
        x = layers.Conv2D(2, 3, activation="relu", kernel_regularizer="l2")(inputs)
        x = layers.Dense(4, bias_regularizer="l1")(layers.Flatten()(layers.MaxPooling2D()(x)))
        model = keras.Model(inputs, layers.Dense(3, activation="softmax", activity_regularizer="l2")(x))
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        steps = kind(model)
        with mixed_precision(model, precision):
            steps.train(images[:4], labels[:4])
            steps.train(images[4:], labels[4:])
        found.append([steps.result()["loss"], *map(np.sum, model.get_weights())])
    assert found[0] == pytest.approx(found[1], rel=tolerance, abs=tolerance)


def test_only_dense_layers_are_compiled_as_a_whole() -> None:
    """XLA runs convolutions of any kind more slowly, and not every layer."""
    others = (
        layers.DepthwiseConv2D(2),
        layers.SeparableConv2D(2, 2),
        layers.Conv2DTranspose(2, 2),
        layers.Resizing(4, 4),
    )
    for other in (None, *others):
        inputs = keras.Input((8, 8, 1))
        x = layers.Flatten()(other(inputs) if other else inputs)
        model = keras.Model(inputs, layers.Dense(2)(layers.Dropout(0.5)(x)))
        assert is_dense(model) == (other is None)


@pytest.mark.parametrize("together", [1, 3, 50])
def test_batches_together_are_the_batches_one_by_one(together: int) -> None:
    draws = np.random.default_rng(1)
    pixels = ArraySplit(tuple("abcdefghijk"), np.arange(11), draws.integers(0, 256, (11, 8, 8, 3), dtype=np.uint8))
    batches = Loader(pixels, 2, shuffle=True, seed=4, augmentation=Augmentation(rotation_range=30))
    single = [batches.batch(2, index) for index in range(len(batches))]
    joined = list(batches.epoch(2, together))
    for ours, theirs in zip(zip(*joined, strict=True), zip(*single, strict=True), strict=True):
        assert np.array_equal(np.concatenate(ours), np.concatenate(theirs))
    assert batches.seconds > 0


def _backbone() -> keras.Model:
    backend.seed_everything(2)
    inputs = keras.Input((20, 20, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.DepthwiseConv2D(3, activation="relu6")(layers.Conv2D(5, 3, strides=2)(x))
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(layers.BatchNormalization()(x)))


@pytest.mark.parametrize("count", [1, 8])
def test_features_agree_with_keras(count: int) -> None:
    """To float32's rounding, on any processor."""
    model = _backbone()
    images = np.random.default_rng(0).integers(0, 256, (count, 20, 20, 3), dtype=np.uint8)
    engine = inference.fastest(model)
    expected = model.predict_on_batch(images)
    model.predict_on_batch = None  # the engine is not Keras
    assert engine(images).dtype == np.float32
    np.testing.assert_allclose(engine(images), expected, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("singles_are_faster", [True, False])
def test_a_batch_is_computed_in_the_faster_way_with_the_same_numbers(
    singles_are_faster: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, seen = _backbone(), []
    one = litert.SingleImages._one
    monkeypatch.setattr(litert.SingleImages, "_one", lambda self, inputs: seen.append(len(inputs)) or one(self, inputs))
    taken = {litert.SingleImages: 1.0, litert.LiteRT: 2.0 if singles_are_faster else 1.0}
    monkeypatch.setattr(inference, "_seconds", lambda engine, images: taken[type(engine)])
    images = np.random.default_rng(0).integers(0, 256, (5, 20, 20, 3), dtype=np.uint8)
    engine = inference.fastest(model)
    np.testing.assert_array_equal(engine(images), litert.LiteRT(litert.convert(model))(images))
    assert seen == ([1] * 5 if singles_are_faster else [])
    assert engine(images[:1]).shape == (1, 5)
    assert len(seen) == (5 if singles_are_faster else 0)


def _raises(*arguments: Any) -> inference.Engine:
    raise RuntimeError("an operation LiteRT does not have")


def _wrong(model: Any) -> inference.Engine:
    return lambda images: np.ones((len(images), 5), np.float32)


@pytest.mark.parametrize("engine", [_raises, _wrong])
def test_an_engine_that_fails_or_disagrees_is_not_used(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "LiteRT", engine)
    model = _backbone()
    images = np.random.default_rng(0).integers(0, 256, (3, 20, 20, 3), dtype=np.uint8)
    assert np.array_equal(inference.fastest(model)(images), model.predict_on_batch(images))


def _transfer(images: Path, out: Path, **changes: Any) -> greycard.Run:
    dataset = greycard.load_folder(images)
    if not (out / "first-1").exists():
        first = Recipe.make(name="first", dataset="images", image_size=(24, 24), conv=(4,), dense=(8,), epochs=1)
        greycard.train(first, dataset, out=out, quiet=True)
    recipe = Recipe.make(
        name="second", dataset="images", image_size=(24, 24), backbone=str(out / "first-1"), dense=(8,), epochs=5
    )
    return greycard.train(recipe.replace(**changes), dataset, out=out, quiet=True)


def test_the_saved_model_is_whole_and_predicts_what_the_head_did(images: Path, tmp_path: Path, precision: str) -> None:
    run = _transfer(images, tmp_path / "runs", rotation_range=20)
    images = [images / id for id in run.predictions["ids"]]
    found = [[each.probabilities[name] for name in run.classes] for each in run.predict(images) if each.probabilities]
    expected = at_temperature(run.predictions["probabilities"], run.temperature)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert run.summary.time.seconds_by_part["features"] > 0


def test_features_are_computed_once(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Any) -> None:
    first = _transfer(images, tmp_path / "runs", rotation_range=20, augmented_copies=2)
    listed = cli("cache", "--format", "json").out
    assert listed.count('"features"') == 4  # validation, training as it is, and two views of it
    monkeypatch.setattr("greycard.training.features.fastest", _raises)
    second = _transfer(images, tmp_path / "runs", rotation_range=20, augmented_copies=2)
    assert np.array_equal(first.predictions["probabilities"], second.predictions["probabilities"])
    with pytest.raises(RuntimeError):
        _transfer(images, tmp_path / "runs", rotation_range=20, augmented_copies=3)


def test_epochs_take_turns_with_the_views(images: Path, tmp_path: Path) -> None:
    """As many views as epochs is the recipe without the saving; fewer is another training from then on."""
    runs = [_transfer(images, tmp_path / "runs", rotation_range=40, augmented_copies=count) for count in (5, 9, 1)]
    losses = [[line.train_loss for line in run.history] for run in runs]
    assert losses[0] == losses[1]
    assert losses[0][0] == losses[2][0]
    assert losses[0][1:] != losses[2][1:]


def test_the_head_on_features_learns_what_the_whole_model_would(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = _transfer(images, tmp_path / "runs")
    monkeypatch.setattr(Model, "is_frozen", False)
    whole = _transfer(images, tmp_path / "runs")
    assert whole.summary.time.seconds_by_part["features"] == 0
    np.testing.assert_allclose(quick.predictions["probabilities"], whole.predictions["probabilities"], atol=1e-4)


@pytest.mark.parametrize("name", RECIPES)
def test_bfloat16_learns_the_same_with_float32_weights_and_outputs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorflow_steps, "_WORTH_COMPILING", 0)
    images, labels = _data(RECIPES[name], CLASSES[name])
    measured = {}
    for kind in ("float32", "bfloat16"):
        model = _model(name)
        with mixed_precision(model, kind):
            measured[kind] = _trained(TensorFlowSteps(model, 4, 18, Choices()), images, labels)
        assert {weight.dtype for weight in model.get_weights()} == {np.dtype("float32")}
        assert all(layer.compute_dtype == "float32" for layer in model.layers if layer.weights)
    assert measured["bfloat16"] != measured["float32"]
    for found, expected in zip(measured["bfloat16"], measured["float32"], strict=True):
        assert found["loss"] == pytest.approx(expected["loss"], rel=0.1)


def test_a_process_without_stderr_has_nothing_to_mute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)
    with muted():
        pass
    assert backend.describe()["backend"] == "tensorflow"
