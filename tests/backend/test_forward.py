"""Faster operations stand in for Keras's layers only where they compute the same: every chain, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from greycard.backend import tensorflow_conv_pool
from greycard.backend.choices import Choices, Shape, Ways
from greycard.backend.tensorflow_forward import forward, shapes
from greycard.models.build import build_model
from greycard.models.mixed_precision import mixed_precision
from greycard.recipe import Recipe

tf = pytest.importorskip("tensorflow")

TOLERANCE = {"float32": 1e-5, "bfloat16": 5e-2}
"""How far outputs and each gradient may be from Keras's: the length of the difference, as a share of Keras's length.

In bfloat16 both round to eight bits, in another order, and of neighbours that are equal then either may be the largest.
"""

SIZE = (10, 11)
CONV: dict[str, Any] = {"filters": 3, "kernel_size": 3, "activation": "relu"}
POOL: dict[str, Any] = {"pool_size": 2}
Layers = Sequence[keras.Layer]


class OtherConv(layers.Conv2D):
    """A convolution that is not Keras's."""

    def call(self, inputs: Any) -> Any:
        return 2 * super().call(inputs)


class OtherPool(layers.MaxPooling2D):
    """A pooling that is not Keras's."""

    def call(self, inputs: Any) -> Any:
        return 2 * super().call(inputs)


class Scaled(layers.Layer):
    """A layer that is given more than a tensor."""

    def call(self, inputs: Any, factor: float = 1.0) -> Any:
        return inputs * factor


NEAR_MISSES: dict[str, Callable[[], Layers]] = {
    "same padding": lambda: [layers.Conv2D(**CONV, padding="same"), layers.MaxPooling2D(**POOL)],
    "stride 2": lambda: [layers.Conv2D(**CONV, strides=2), layers.MaxPooling2D(**POOL)],
    "dilated": lambda: [layers.Conv2D(**CONV, dilation_rate=2), layers.MaxPooling2D(**POOL)],
    "1×1": lambda: [layers.Conv2D(**CONV | {"kernel_size": 1}), layers.MaxPooling2D(**POOL)],
    "3×2": lambda: [layers.Conv2D(**CONV | {"kernel_size": (3, 2)}), layers.MaxPooling2D(**POOL)],
    "5×5": lambda: [layers.Conv2D(**CONV | {"kernel_size": 5}), layers.MaxPooling2D(**POOL)],
    "groups": lambda: [layers.Conv2D(**CONV, groups=3), layers.MaxPooling2D(**POOL)],
    "no bias": lambda: [layers.Conv2D(**CONV, use_bias=False), layers.MaxPooling2D(**POOL)],
    "no activation": lambda: [layers.Conv2D(3, 3), layers.MaxPooling2D(**POOL)],
    "tanh": lambda: [layers.Conv2D(**CONV | {"activation": "tanh"}), layers.MaxPooling2D(**POOL)],
    "relu6": lambda: [layers.Conv2D(**CONV | {"activation": "relu6"}), layers.MaxPooling2D(**POOL)],
    "a leaky layer": lambda: [
        layers.Conv2D(**CONV | {"activation": layers.ReLU(negative_slope=0.3)}), layers.MaxPooling2D(**POOL)
    ],
    "activity regularizer": lambda: [layers.Conv2D(**CONV, activity_regularizer="l2"), layers.MaxPooling2D(**POOL)],
    "regularized pooling": lambda: [layers.Conv2D(**CONV), layers.MaxPooling2D(**POOL, activity_regularizer="l2")],
    "float64": lambda: [layers.Conv2D(**CONV, dtype="float64"), layers.MaxPooling2D(**POOL, dtype="float64")],
    "float16": lambda: [layers.Conv2D(**CONV, dtype="mixed_float16"), layers.MaxPooling2D(**POOL)],
    "a subclass": lambda: [OtherConv(**CONV), layers.MaxPooling2D(**POOL)],
    "a subclass of pooling": lambda: [layers.Conv2D(**CONV), OtherPool(**POOL)],
    "3×3 pooling": lambda: [layers.Conv2D(**CONV), layers.MaxPooling2D(3)],
    "2×1 pooling": lambda: [layers.Conv2D(**CONV), layers.MaxPooling2D((2, 1))],
    "overlapping pooling": lambda: [layers.Conv2D(**CONV), layers.MaxPooling2D(2, strides=1)],
    "sparse pooling": lambda: [layers.Conv2D(**CONV), layers.MaxPooling2D(2, strides=3)],
    "padded pooling": lambda: [layers.Conv2D(**CONV), layers.MaxPooling2D(2, padding="same")],
    "average pooling": lambda: [layers.Conv2D(**CONV), layers.AveragePooling2D(2)],
    "separable": lambda: [layers.SeparableConv2D(**CONV), layers.MaxPooling2D(**POOL)],
    "transposed": lambda: [layers.Conv2DTranspose(**CONV), layers.MaxPooling2D(**POOL)],
}  # fmt: skip
OTHERS: dict[str, Callable[[], Layers]] = {
    "batch norm between": lambda: [layers.Conv2D(**CONV), layers.BatchNormalization(), layers.MaxPooling2D(**POOL)],
    "dropout between": lambda: [layers.Conv2D(**CONV), layers.Dropout(0.5, seed=1), layers.MaxPooling2D(**POOL)],
    "two convolutions": lambda: [layers.Conv2D(**CONV), layers.Conv2D(**CONV), layers.MaxPooling2D(**POOL)],
    "pooling alone": lambda: [layers.MaxPooling2D(**POOL)],
    "pooling twice": lambda: [layers.Conv2D(**CONV), layers.MaxPooling2D(**POOL), layers.MaxPooling2D(**POOL)],
    "convolution alone": lambda: [layers.Conv2D(**CONV)],
    "batch norm": lambda: [layers.BatchNormalization()],
    "dropout": lambda: [layers.Dropout(0.3, seed=2)],
    "regularized kernel": lambda: [
        layers.Conv2D(**CONV, kernel_regularizer="l2", bias_regularizer="l1"), layers.MaxPooling2D(**POOL)
    ],
    "a pair": lambda: [layers.Conv2D(**CONV), layers.MaxPooling2D(**POOL)],
}  # fmt: skip
PARTS = NEAR_MISSES | OTHERS


def _applied(parts: Layers, x: keras.KerasTensor) -> keras.KerasTensor:
    for layer in parts:
        x = layer(x)
    return x


def _model(body: Callable[[keras.KerasTensor], keras.KerasTensor], channels: int = 3) -> keras.Model:
    keras.utils.set_random_seed(3)
    inputs = keras.Input((*SIZE, channels))
    model = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(body(inputs))))
    draws = np.random.default_rng(4)
    for variable in model.trainable_variables:  # biases, too, are not zero
        variable.assign(variable + draws.normal(scale=0.1, size=variable.shape))
    return model


def _results(model: keras.Model, call: Callable[[Any], Any], channels: int = 3) -> list[np.ndarray]:
    """Outputs, losses, the gradients of all weights and of the images, and what batch norm and dropout keep."""
    x = tf.constant(np.random.default_rng(5).normal(scale=5, size=(4, *SIZE, channels)), tf.float32)
    kept = [variable.numpy() for variable in model.non_trainable_variables]
    weights = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = call(x)
        losses = [tf.cast(loss, tf.float32) for loss in model.losses]
        total = tf.add_n([tf.reduce_sum(outputs * tf.range(1.0, outputs.shape[1] + 1)), *losses])
    gradients = tape.gradient(total, [x, *weights])
    found = [outputs, total, *gradients, *model.non_trainable_variables]
    arrays = [np.asarray(each, np.float64) for each in found]
    for variable, value in zip(model.non_trainable_variables, kept, strict=True):
        variable.assign(value)
    return arrays


class Every:
    """One way for all operations that have it."""

    def __init__(self, way: str) -> None:
        self._way = way

    def way(self, shape: Shape, ways: Sequence[str]) -> str:
        return self._way if self._way in ways else ways[0]


PLAIN = Every("onednn")


def _expect_keras(model: keras.Model, precision: str, channels: int = 3, ways: Ways = PLAIN) -> None:
    fused = forward(model, ways)
    with mixed_precision(model, precision):
        ours = _results(model, fused, channels)
        theirs = _results(model, lambda x: model(x, training=True), channels)
    for found, expected in zip(ours, theirs, strict=True):
        difference = np.linalg.norm(found - expected)
        assert difference <= TOLERANCE[precision] * np.linalg.norm(expected) + 1e-6


@pytest.mark.parametrize("name", PARTS)
def test_what_is_fused_and_what_runs_as_it_is_compute_what_keras_does(name: str, precision: str) -> None:
    _expect_keras(_model(lambda x: _applied(PARTS[name](), x)), precision)


@settings(max_examples=8)
@given(names=st.lists(st.sampled_from(sorted(PARTS)), min_size=2, max_size=3))
@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
def test_any_chain_computes_what_keras_does(kind: str, names: list[str]) -> None:
    def body(x: keras.KerasTensor) -> keras.KerasTensor:
        for name in names:
            x = _applied(PARTS[name](), x) if min(x.shape[1:3]) >= 7 else x
        return x

    _expect_keras(_model(body), kind)


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_what_differs_in_one_setting_does_not_match(name: str) -> None:
    conv, pool = NEAR_MISSES[name]()
    _model(lambda x: _applied([conv, pool], x))
    assert not tensorflow_conv_pool.matches(conv, pool)


def test_what_is_the_same_matches() -> None:
    conv, pool = layers.Conv2D(**CONV, kernel_regularizer="l2"), layers.MaxPooling2D(**POOL)
    _model(lambda x: _applied([conv, pool], x))
    assert tensorflow_conv_pool.matches(conv, pool)


@pytest.mark.parametrize("shape", [(None, None, 3), (None, 11, 3), (3, 11, 3)])
def test_images_of_an_unknown_size_or_too_small_do_not_match(shape: tuple[int | None, ...]) -> None:
    conv = layers.Conv2D(**CONV)
    conv(keras.Input(shape))
    assert not tensorflow_conv_pool.matches(conv, layers.MaxPooling2D(**POOL))


def test_channels_first_do_not_match() -> None:
    """TensorFlow itself computes them on a GPU alone."""
    conv, pool = (
        layers.Conv2D(**CONV, data_format="channels_first"),
        layers.MaxPooling2D(2, data_format="channels_first"),
    )
    pool(conv(keras.Input((3, *SIZE))))
    assert not tensorflow_conv_pool.matches(conv, pool)
    assert not tensorflow_conv_pool.matches(conv, layers.MaxPooling2D(**POOL))


def test_an_adapted_convolution_does_not_match() -> None:
    """Its gradients belong to the adapter."""
    conv, pool = layers.Conv2D(**CONV), layers.MaxPooling2D(**POOL)
    model = _model(lambda x: _applied([conv, pool], x))
    conv.enable_lora(1)
    assert not tensorflow_conv_pool.matches(conv, pool)
    _expect_keras(model, "float32")


@pytest.mark.parametrize("way", ["onednn", "xla", "xla-pool", "winograd", "gray"])
@pytest.mark.parametrize("channels", [1, 5])
def test_every_way_computes_what_keras_does(way: str, channels: int, precision: str) -> None:
    """With and without pooling, padding, bias and ReLU; where there is no such way, the plain one."""

    def body(x: keras.KerasTensor) -> keras.KerasTensor:
        x = layers.MaxPooling2D(**POOL)(layers.Conv2D(**CONV)(x))
        x = layers.Conv2D(**CONV, padding="same")(x)
        return layers.MaxPooling2D(**POOL)(layers.Conv2D(4, 3, padding="same", use_bias=False)(x))

    model = _model(body, channels)
    _expect_keras(model, precision, channels, Every(way))
    assert [shape.operation for shape, _ in shapes(model, precision)] == ["conv + pool", "conv", "conv", "pool"]


def test_every_convolution_of_a_recipe_is_fused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What makes them fast must not be lost unnoticed, whatever a recipe adds."""
    seen: list[str] = []
    monkeypatch.setattr(tensorflow_conv_pool, "fused", lambda conv, ways: seen.append(conv.name))
    recipe = Recipe.make(name="r", dataset="d", image_size=(40, 40), conv=(4, 6, 8), dense=(8,), dropout=0.2)
    for changes in ({}, {"channels": 1}, {"feature_dropout": 0.3, "dense": ()}, {"pooling": "average"}):
        forward(build_model(recipe.replace(task="binary", **changes), 2).network, Choices())
    assert seen == 4 * ["conv1", "conv2", "conv3"]


def _residual(x: keras.KerasTensor) -> keras.KerasTensor:
    """The convolution has another consumer than its pooling."""
    convolved = layers.Conv2D(**CONV)(x)
    return layers.Add()([layers.UpSampling2D()(layers.MaxPooling2D(**POOL)(convolved)), convolved[:, :8, :8]])


def _shared(x: keras.KerasTensor) -> keras.KerasTensor:
    conv = layers.Conv2D(**CONV)
    return layers.MaxPooling2D(**POOL)(conv(conv(x)))


def _branches(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Concatenate()([layers.MaxPooling2D(**POOL)(layers.Conv2D(**CONV)(x)) for _ in range(2)])


def _nested(x: keras.KerasTensor) -> keras.KerasTensor:
    inner = keras.Input(x.shape[1:])
    return keras.Model(inner, layers.MaxPooling2D(**POOL)(layers.Conv2D(**CONV)(inner)))(x)


def _with_arguments(x: keras.KerasTensor) -> keras.KerasTensor:
    return Scaled()(layers.MaxPooling2D(**POOL)(layers.Conv2D(**CONV)(x)), factor=3.0)


@pytest.mark.parametrize("body", [_residual, _shared, _branches, _nested, _with_arguments])
def test_what_is_more_than_a_chain_computes_what_keras_does(body: Any, precision: str) -> None:
    _expect_keras(_model(body), precision)


def test_layers_of_another_model_are_taken_as_this_one_connects_them() -> None:
    """The same two layers, first one after the other, then with a third between."""
    conv, pool, flat = layers.Conv2D(**CONV), layers.MaxPooling2D(**POOL), layers.Flatten()
    inputs = keras.Input((*SIZE, 3))
    keras.Model(inputs, flat(pool(conv(inputs))))
    model = keras.Model(inputs, flat(pool(layers.Activation("tanh")(conv(inputs)))))
    _expect_keras(model, "float32")


def test_an_output_of_the_convolution_keeps_it_as_it_is() -> None:
    inputs = keras.Input((*SIZE, 3))
    convolved = layers.Conv2D(**CONV)(inputs)
    model = keras.Model(inputs, [convolved, layers.MaxPooling2D(**POOL)(convolved)])
    x = np.random.default_rng(0).normal(size=(2, *SIZE, 3)).astype(np.float32)
    for found, expected in zip(forward(model, Choices())(x), model(x, training=True), strict=True):
        np.testing.assert_array_equal(found, expected)
